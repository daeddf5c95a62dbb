package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class BarrierTest {
    private static final int FAILURES = 6;

    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private final Logger log = (Logger) LoggerFactory.getLogger(Barrier.class);

    @BeforeEach
    void listen() {
        said.start();
        log.addAppender(said);
    }

    @AfterEach
    void listenNoMore() {
        log.detachAppender(said);
    }

    @Test
    void aBeginningThatCanNotBeHadIsTriedAgainAndAgainButSaidOnceForEachReasonAndWrittenOnce() throws Exception {
        var registry = new Registry(1000);
        var raft = new MemoryLog(registry);
        var asked = new AtomicInteger();
        var leading = new Semaphore(0);
        var clock = InstantSource.fixed(Instant.ofEpochSecond(1_800_000_000));
        try (var controller = new Controller(
                new Controller.Inputs("e1", registry, raft, clock, new Random(1)),
                new Controller.LeadershipListener() {
                    @Override
                    public void leading(long term) {
                        leading.release();
                    }

                    @Override
                    public void resigned(long term) {}
                },
                new DecisionMetrics() {
                    @Override
                    public void leading() {}

                    @Override
                    public void decided(int scheduled, int unscheduled, Duration took) {}

                    @Override
                    public void failed(int scheduled, int unscheduled) {}
                },
                Runnable::run,
                () -> Long.MAX_VALUE,
                () -> {
                    int times = asked.incrementAndGet();
                    if (times <= FAILURES) {
                        throw new Controller.BeginningException(
                                times <= FAILURES / 2 ? "the file is not there" : "the file may not be read",
                                new IllegalStateException());
                    }
                    return List.of(List.of(Record.newBuilder()
                            .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(7))
                            .build()));
                })) {
            controller.start();
            controller.leaderStarted(1);
            assertThat(leading.tryAcquire(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(asked).hasValue(FAILURES + 1);
        assertThat(said.list.stream().map(ILoggingEvent::getFormattedMessage))
                .containsExactly(
                        "engine e1: it can't restore the cluster, and tries again: the file is not there",
                        "engine e1: it can't restore the cluster, and tries again: the file may not be read");
        assertThat(raft.entries())
                .as("the leadership's beginning, and the cluster's")
                .hasSize(2);
    }
}
