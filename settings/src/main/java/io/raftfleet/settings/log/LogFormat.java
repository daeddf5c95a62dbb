package io.raftfleet.settings.log;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import org.slf4j.LoggerFactory;

/** How a daemon's log looks on standard error. */
public enum LogFormat {
    /** As {@code logback.xml} has it: lines for people. */
    TEXT,
    /** As {@link JsonLayout} has it: one object a line, for programs. */
    JSON;

    /** @throws SettingsException for any other word */
    public static LogFormat read(Settings settings) throws SettingsException {
        var text = settings.require(Setting.LOG_FORMAT);
        return switch (text.strip()) {
            case "text" -> TEXT;
            case "json" -> JSON;
            default -> throw new SettingsException("log_format \"" + text + "\": it is text or json");
        };
    }

    /** From now on it looks so. To be called before there are threads that log. */
    public void apply() {
        if (this == JSON && LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger(Logger.ROOT_LOGGER_NAME).iteratorForAppenders().forEachRemaining(appender -> {
                if (appender instanceof OutputStreamAppender<ILoggingEvent> output) {
                    json(context, output);
                }
            });
        }
    }

    static void json(LoggerContext context, OutputStreamAppender<ILoggingEvent> output) {
        var layout = new JsonLayout();
        layout.setContext(context);
        layout.start();
        var encoder = new LayoutWrappingEncoder<ILoggingEvent>();
        encoder.setContext(context);
        encoder.setLayout(layout);
        output.stop();
        output.setEncoder(encoder);
        encoder.start();
        output.start();
    }
}
