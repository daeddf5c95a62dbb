package io.raftfleet.chaos.hostile;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Looks whether what strangers sent is in engines' logs as it came: characters that move a terminal's cursor, lines of their own. */
final class LogLines {
    static final String PROMISE = "no log has a stranger's control characters or lines";

    private static final int MOST = 20;

    private LogLines() {}

    static Finding check(Map<String, Path> logs) throws IOException {
        var violations = new ArrayList<Violation>();
        long examined = 0;
        for (var log : logs.entrySet()) {
            // Not by lines that Java knows: it also splits at a carriage return.
            var lines = new String(Files.readAllBytes(log.getValue()), StandardCharsets.UTF_8).split("\n", -1);
            examined += lines.length;
            for (var line : lines) {
                if (bad(line) && violations.size() < MOST) {
                    violations.add(new Violation(log.getKey() + " logged: " + shown(line), 0, List.of()));
                }
            }
        }
        return new Finding(PROMISE, examined, "", violations);
    }

    private static boolean bad(String line) {
        return line.startsWith(Odd.FORGED_LINE) || line.codePoints().anyMatch(LogLines::moves);
    }

    /** Controls but the tab of stack traces; what reorders text; the line breaks of Unicode. */
    private static boolean moves(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL -> character != '\t';
            case Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
            case Character.FORMAT ->
                (character >= 0x202a && character <= 0x202e) || (character >= 0x2066 && character <= 0x2069);
            default -> false;
        };
    }

    private static String shown(String line) {
        var shown = new StringBuilder();
        line.codePoints().limit(300).forEach(character -> {
            if (moves(character)) {
                shown.append("\\u%04x".formatted(character));
            } else {
                shown.appendCodePoint(character);
            }
        });
        return shown.toString();
    }
}
