package io.raftfleet.settings.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalLayoutTest {
    private final LoggerContext context = new LoggerContext();

    private String line(boolean journal, Level level, @Nullable Throwable thrown) {
        var layout = new JournalLayout(journal);
        layout.setContext(context);
        layout.setPattern("%level: %msg%n%ex{short}");
        layout.start();
        return layout.doLayout(
                new LoggingEvent("caller", context.getLogger("l"), level, "it happened", thrown, new Object[0]));
    }

    @Test
    void everyLineInTheJournalHasItsPriority() {
        assertThat(line(true, Level.ERROR, null)).isEqualTo("<3>ERROR: it happened\n");
        assertThat(line(true, Level.WARN, null)).isEqualTo("<4>WARN: it happened\n");
        assertThat(line(true, Level.INFO, null)).isEqualTo("<6>INFO: it happened\n");
        assertThat(line(true, Level.DEBUG, null)).startsWith("<7>");
        assertThat(line(true, Level.ERROR, new IllegalStateException("why")).lines())
                .hasSizeGreaterThan(1)
                .allMatch(line -> line.startsWith("<3>"));
    }

    @Test
    void elsewhereNoneHas() {
        assertThat(line(false, Level.ERROR, null)).isEqualTo("ERROR: it happened\n");
    }

    @Test
    void aFileIsNotTheJournalThoughAServicesVariableWasInherited(@TempDir Path directory) throws Exception {
        var file = Files.createFile(directory.resolve("log"));
        var attributes = Files.readAttributes(file, "unix:dev,ino");
        var same = attributes.get("dev") + ":" + attributes.get("ino");

        assertThat(JournalLayout.isJournal(Map.of("JOURNAL_STREAM", same), file))
                .isTrue();
        assertThat(JournalLayout.isJournal(Map.of("JOURNAL_STREAM", "8:1"), file))
                .isFalse();
        assertThat(JournalLayout.isJournal(Map.of(), file)).isFalse();
    }
}
