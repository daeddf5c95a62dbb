package io.raftfleet.settings.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.ConsoleAppender;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LogFormatTest {
    private static String logged(Throwable thrown, String message, Object... arguments) {
        var context = new LoggerContext();
        context.setMDCAdapter(new LogbackMDCAdapter());
        var written = new ByteArrayOutputStream();
        var before = System.err;
        System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
        try {
            var appender = new ConsoleAppender<ILoggingEvent>();
            appender.setContext(context);
            appender.setTarget("System.err");
            LogFormat.json(context, appender);
            var event = new LoggingEvent(
                    "caller", context.getLogger("io.raftfleet.x"), Level.WARN, message, thrown, arguments);
            event.setTimeStamp(0);
            event.setThreadName("t-1");
            appender.doAppend(event);
        } finally {
            System.setErr(before);
        }
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void inJsonALineIsOneObjectWhateverIsInIt() {
        var line = logged(
                new IllegalStateException("a\nb\"c"),
                "unit \"{}\" says {}",
                "a.service",
                "x\n{\"level\":\"ERROR\"}\u001b");

        assertThat(line)
                .startsWith(
                        "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"WARN\",\"thread\":\"t-1\","
                                + "\"logger\":\"io.raftfleet.x\",\"message\":\"unit \\\"a.service\\\" says x\\\\n{\\\"level\\\"")
                .contains("\"trace\":\"java.lang.IllegalStateException: a\\\\nb\\\"c\\n\\tat ")
                .doesNotContain("\u001b")
                .endsWith("\"}\n");
        assertThat(line.lines()).hasSize(1);
    }

    @Test
    void longTextIsCutInJsonToo() {
        assertThat(logged(new IllegalStateException("y".repeat(100_000)), "{}", "z".repeat(100_000))
                        .length())
                .isBetween(10_000, 30_000);
    }
}
