package io.raftfleet.settings;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import java.util.Locale;
import org.slf4j.LoggerFactory;

/** What a daemon logs of its own doings. */
public final class Verbosity {
    private Verbosity() {}

    /** Fleet counts from 0 to 2; the names are what the levels are called here. */
    public static Level read(Settings settings) throws SettingsException {
        var text = settings.require(Setting.VERBOSITY);
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "error" -> Level.ERROR;
            case "warn" -> Level.WARN;
            case "0", "info" -> Level.INFO;
            case "1", "debug" -> Level.DEBUG;
            case "2", "trace" -> Level.TRACE;
            default ->
                throw new SettingsException(
                        "verbosity \"" + text + "\": it is 0, 1 or 2, or error, warn, info, debug or trace");
        };
    }

    /** From now on that is logged. */
    public static void apply(Level level) {
        set("io.raftfleet", level);
    }

    /** The same for one logger. */
    public static void set(String logger, Level level) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger(logger).setLevel(level);
        }
    }
}
