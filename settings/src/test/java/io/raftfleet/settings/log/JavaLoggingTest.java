package io.raftfleet.settings.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.LogManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

class JavaLoggingTest {
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private final Logger root = ((LoggerContext) LoggerFactory.getILoggerFactory()).getLogger("a.library");

    @AfterEach
    void undo() throws Exception {
        root.detachAppender(written);
        SLF4JBridgeHandler.uninstall();
        LogManager.getLogManager().readConfiguration();
    }

    @Test
    void librariesLogWhereAllElseDoesAndNowhereElse() {
        written.start();
        root.addAppender(written);
        root.setLevel(Level.WARN);
        root.setAdditive(false);
        var before = System.err;
        var bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            JavaLogging.toLogback();
            JavaLogging.toLogback();
            var library = java.util.logging.Logger.getLogger("a.library.Part");
            library.warning("stream \u001b[31m broke");
            library.info("not at this level");
        } finally {
            System.setErr(before);
        }
        assertThat(written.list).hasSize(1);
        assertThat(written.list.getFirst().getLevel()).isEqualTo(Level.WARN);
        assertThat(written.list.getFirst().getFormattedMessage()).isEqualTo("stream \u001b[31m broke");
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEmpty();
    }
}
