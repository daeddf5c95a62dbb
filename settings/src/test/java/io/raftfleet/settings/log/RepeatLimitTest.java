package io.raftfleet.settings.log;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RepeatLimitTest {
    private static final String REFUSED = "refused the session of machine {}";

    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> written = new ListAppender<>();
    private final Logger logger = context.getLogger("test");
    private long now = Long.MAX_VALUE - Duration.ofSeconds(3).toNanos();

    @BeforeEach
    void start() {
        context.addTurboFilter(new RepeatLimit(() -> now));
        written.setContext(context);
        written.start();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(written);
    }

    @Test
    void ofOneKindSoManyAreWrittenAndThenFewASecond() {
        for (int i = 0; i < 3 * RepeatLimit.AT_ONCE; i++) {
            logger.warn(REFUSED, i);
        }
        assertThat(written.list).hasSize(RepeatLimit.AT_ONCE);

        pass(Duration.ofSeconds(10));
        for (int i = 0; i < 1_000; i++) {
            logger.warn(REFUSED, "late " + i);
        }
        assertThat(texts()).hasSize(RepeatLimit.AT_ONCE + 1 + 10 * RepeatLimit.PER_SECOND);
        assertThat(texts().subList(RepeatLimit.AT_ONCE, RepeatLimit.AT_ONCE + 2))
                .containsExactly(
                        2 * RepeatLimit.AT_ONCE + " lines like the next one were left out: there were too many at once",
                        "refused the session of machine late 0");
        assertThat(written.list.get(RepeatLimit.AT_ONCE).getLevel()).isEqualTo(Level.WARN);
    }

    @Test
    void stackTracesCountMore() {
        for (int i = 0; i < RepeatLimit.AT_ONCE; i++) {
            logger.error("a stream broke", new IllegalStateException());
            logger.error("stream {} of {}, by {}, broke", 1, 2, 3, new IllegalStateException());
        }
        assertThat(written.list).hasSize(2 * RepeatLimit.AT_ONCE / RepeatLimit.TRACE);
    }

    @Test
    void librariesThatSpeakOfEveryTryAreSoonSilentAndSpeakAgainOnceAMinute() {
        var ratis = context.getLogger("org.apache.ratis.grpc.server.GrpcLogAppender");
        for (int second = 0; second < 660; second++) {
            pass(Duration.ofSeconds(1));
            ratis.warn("{}: Timed out appendEntries, errorCount={}", "e1->e3", second);
        }
        var ofRatis =
                texts().stream().filter(text -> text.contains("Timed out")).toList();
        assertThat(ofRatis).hasSizeBetween(RepeatLimit.LIBRARY_AT_ONCE + 10, RepeatLimit.LIBRARY_AT_ONCE + 11);
        ratis.error("the log can't be written", new IllegalStateException());
        assertThat(texts().getLast()).isEqualTo("the log can't be written");
    }

    @Test
    void otherKindsAreNotConcerned() {
        flood();
        logger.error(REFUSED, "another level");
        logger.warn("another text");
        context.getLogger("test.other").warn(REFUSED, "another logger");
        assertThat(texts().subList(RepeatLimit.AT_ONCE, written.list.size()))
                .containsExactly(
                        "refused the session of machine another level",
                        "another text",
                        "refused the session of machine another logger");
    }

    @Test
    void whatIsNotWrittenAnywayIsNotCounted() {
        logger.setLevel(Level.WARN);
        for (int i = 0; i < 2 * RepeatLimit.AT_ONCE; i++) {
            logger.info(REFUSED, i);
        }
        logger.setLevel(Level.INFO);
        for (int i = 0; i < 2 * RepeatLimit.AT_ONCE; i++) {
            assertThat(logger.isInfoEnabled()).isTrue();
        }
        logger.info(REFUSED, "seen");
        assertThat(texts()).containsExactly("refused the session of machine seen");
    }

    @Test
    void whatSomebodyAskedForIsWritten() {
        logger.setLevel(Level.DEBUG);
        for (int i = 0; i < 2 * RepeatLimit.AT_ONCE; i++) {
            logger.debug(REFUSED, i);
        }
        assertThat(written.list).hasSize(2 * RepeatLimit.AT_ONCE);
    }

    @Test
    void textsThatAreAllDifferentAreLimitedTogether() {
        for (int i = 0; i < 10 * RepeatLimit.AT_ONCE; i++) {
            logger.warn(i + " is a text of its own");
        }
        assertThat(written.list).hasSize(RepeatLimit.KINDS + RepeatLimit.AT_ONCE);
        // Once there has been quiet, new kinds have an allowance of their own again.
        pass(Duration.ofHours(1));
        flood();
        assertThat(written.list).hasSize(RepeatLimit.KINDS + 2 * RepeatLimit.AT_ONCE);
    }

    private void flood() {
        for (int i = 0; i < 2 * RepeatLimit.AT_ONCE; i++) {
            logger.warn(REFUSED, i);
        }
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    private List<String> texts() {
        return written.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }
}
