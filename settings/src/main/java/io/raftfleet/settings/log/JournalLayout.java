package io.raftfleet.settings.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A pattern, and where standard error is the journal, each line's priority before it ({@code <3>}, see {@code sd-daemon(3)}), so that
 * {@code journalctl -p warning} finds what it should. {@code JOURNAL_STREAM} says where: a file of standard error is not taken for it.
 */
public final class JournalLayout extends PatternLayout {
    private final boolean journal;

    /** As {@code logback.xml} makes it. */
    public JournalLayout() {
        this(isJournal(System.getenv(), Path.of("/proc/self/fd/2")));
    }

    JournalLayout(boolean journal) {
        this.journal = journal;
    }

    /** Whether a file is the socket that systemd made for what a service says. */
    static boolean isJournal(Map<String, String> environment, Path file) {
        @Nullable String stream = environment.get("JOURNAL_STREAM");
        if (stream == null) {
            return false;
        }
        try {
            var attributes = Files.readAttributes(file, "unix:dev,ino");
            return stream.equals(attributes.get("dev") + ":" + attributes.get("ino"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public String doLayout(ILoggingEvent event) {
        var text = super.doLayout(event);
        if (!journal || text.isEmpty()) {
            return text;
        }
        var priority = priority(event.getLevel());
        return priority
                + text.substring(0, text.length() - 1).replace("\n", "\n" + priority)
                + text.substring(text.length() - 1);
    }

    private static String priority(Level level) {
        return switch (level.levelInt) {
            case Level.ERROR_INT -> "<3>";
            case Level.WARN_INT -> "<4>";
            case Level.INFO_INT -> "<6>";
            default -> "<7>";
        };
    }
}
