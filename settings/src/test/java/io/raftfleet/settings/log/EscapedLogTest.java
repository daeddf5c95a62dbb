package io.raftfleet.settings.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.LoggingEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EscapedLogTest {
    private static final String HOSTILE = "10.0.0.9\n2026-01-01 ERROR Engine: \u001b[31mfake\u202e\r\u0007";
    private static final String HARMLESS = "10.0.0.9\\n2026-01-01 ERROR Engine: \\x1b[31mfake\\u202e\\r\\x07";

    @Test
    void whatAPeerSentBeginsNoLineAndSteersNoTerminal() {
        assertThat(line("machine m at {} has connected", null, HOSTILE))
                .isEqualTo("WARN: machine m at " + HARMLESS + " has connected\n");
    }

    @Test
    void theMessagesOfWhatWasThrownAreEscapedToo() {
        var thrown = new IllegalStateException(HOSTILE, new IllegalArgumentException(HOSTILE));
        thrown.addSuppressed(new IllegalArgumentException(HOSTILE));
        var written = line("failed", thrown);
        assertThat(written).contains("IllegalStateException: " + HARMLESS).contains("Caused by: ");
        assertThat(written.lines())
                .allMatch(line -> line.startsWith("WARN: failed")
                        || line.startsWith("java.lang.")
                        || line.startsWith("Caused by: java.lang.")
                        || line.startsWith("\t"));
        assertThat(written.chars()).noneMatch(c -> c == 0x1b || c == 0x07 || c == 0x202e);
    }

    @Test
    void longTextIsCut() {
        var line = line("failed: {}", new IllegalStateException("y".repeat(100_000)), "\n".repeat(100_000));
        assertThat(line).contains("… (cut, 200008 bytes)\n").contains("… (cut, 100000 bytes)\n");
        assertThat(line.lines()).allMatch(each -> each.length() < 2_200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"engine", "agent"})
    void bothDaemonsLogSo(String module) throws Exception {
        var configuration =
                java.nio.file.Files.readString(java.nio.file.Path.of("..", module, "src/main/resources/logback.xml"));
        assertThat(configuration)
                .contains(EscapedMessage.class.getName())
                .contains(EscapedThrowable.class.getName())
                .contains("<turboFilter class=\"" + RepeatLimit.class.getName() + "\"/>")
                .doesNotContain("%msg")
                .doesNotContain("%ex");
    }

    private static String line(
            String message, @org.jspecify.annotations.Nullable Throwable thrown, Object... arguments) {
        var context = new LoggerContext();
        var layout = new PatternLayout();
        layout.setContext(context);
        layout.getInstanceConverterMap().put("text", EscapedMessage::new);
        layout.getInstanceConverterMap().put("failure", EscapedThrowable::new);
        layout.setPattern("%level: %text%n%failure");
        layout.start();
        var event = new LoggingEvent("test", context.getLogger("test"), Level.WARN, message, thrown, arguments);
        return layout.doLayout(event);
    }
}
