package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class ManagerThreadTest {
    private final ManagerThread thread = new ManagerThread();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(ManagerThread.class);

    @BeforeEach
    void listen() {
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void close() {
        thread.close(() -> {});
        logger.detachAppender(log);
    }

    @Test
    void whatATaskThrowsIsLoggedAndTheThreadGoesOn() throws Exception {
        thread.run(() -> fail("now"));
        thread.later(() -> fail("later"), Duration.ofMillis(1));
        var after = new CompletableFuture<String>();
        thread.later(() -> after.complete("done"), Duration.ofMillis(20));
        assertThat(after.get(10, TimeUnit.SECONDS)).isEqualTo("done");
        assertThat(log.list)
                .extracting(event -> event.getThrowableProxy().getMessage())
                .containsExactly("now", "later");
    }

    @Test
    void anOrderThatThrowsFailsAndIsLogged() {
        CompletableFuture<Void> order = thread.order(() -> {
            throw new IllegalStateException("a defect");
        });
        assertThatThrownBy(() -> order.get(10, TimeUnit.SECONDS)).hasMessageContaining("a defect");
        assertThat(log.list).hasSize(1);
    }

    private static void fail(String why) {
        throw new IllegalStateException(why);
    }
}
