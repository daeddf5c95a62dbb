package io.raftfleet.fleetctl;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How large the terminal is, in characters.
 *
 * @param columns at least 1
 * @param lines at least 1
 */
record ScreenSize(int columns, int lines) {
    /** Where nothing tells. */
    static final ScreenSize USUAL = new ScreenSize(80, 24);

    private static final Pattern STTY = Pattern.compile("([1-9][0-9]{0,4}) ([1-9][0-9]{0,4})\\s*");
    private static final int PATIENCE_SECONDS = 1;

    /** As {@code stty} says now, else as COLUMNS and LINES do. */
    static ScreenSize now(Map<String, String> environment) {
        try {
            Process stty = new ProcessBuilder("stty", "-F", "/dev/tty", "size")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                if (stty.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    var text = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                    var found = STTY.matcher(text);
                    if (found.matches()) {
                        return new ScreenSize(Integer.parseInt(found.group(2)), Integer.parseInt(found.group(1)));
                    }
                }
            } finally {
                stty.destroyForcibly();
            }
        } catch (IOException e) {
            // There is no stty: the variables may say.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new ScreenSize(
                number(environment.get("COLUMNS"), USUAL.columns), number(environment.get("LINES"), USUAL.lines));
    }

    private static int number(@Nullable String text, int otherwise) {
        return text != null && text.matches("[1-9][0-9]{0,4}") ? Integer.parseInt(text) : otherwise;
    }
}
