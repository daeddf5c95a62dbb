package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SourceStored;
import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.UnitSource;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class BarrierTest {
    private static final int FAILURES = 6;
    private static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochSecond(1_800_000_000));

    private final Terms terms = new Terms();
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
        try (var controller = controller(registry, raft, () -> {
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
            assertThat(terms.next()).isEqualTo(1);
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

    @Test
    void marksAndFilesThatNotAllEnginesReadAreNamedAsTheyAreLeftOut() throws Exception {
        var registry = new Registry(1000);
        var raft = new MemoryLog(registry);
        raft.agree(EntryFormats.WITH_SOURCES - 1);
        try (var controller = controller(
                registry,
                raft,
                () -> List.of(List.of(
                        expected(1, MachineMarkKind.MACHINE_MARK_KIND_CORDONED),
                        expected(2, MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED),
                        expected(3, MachineMarkKind.MACHINE_MARK_KIND_DRAINED),
                        Record.newBuilder()
                                .setSourceStored(SourceStored.newBuilder()
                                        .setDigest(UnitSource.toBytes(
                                                UnitSource.of("# why\n").digest()))
                                        .setText("# why\n"))
                                .build(),
                        Record.newBuilder()
                                .setClusterCreated(ClusterCreated.newBuilder()
                                        .setIncarnation(7)
                                        .setRestoredFrom(1))
                                .build())))) {
            controller.start();
            controller.leaderStarted(1);
            assertThat(terms.next()).isEqualTo(1);
        }
        assertThat(said.list.stream().map(ILoggingEvent::getFormattedMessage))
                .containsExactly(
                        "engine e1 restores machines without what operators have said of them as places for units, as not all"
                                + " engines that are up read entry format 8: they take units like any others until somebody says so again: "
                                + "1".repeat(32) + " was cordoned, " + "3".repeat(32) + " was drained",
                        "engine e1 restores units without the 1 files that they were submitted as, and without who changed them, as not all"
                                + " engines that are up read entry format 7: their options are as they were, comments are not");
        assertThat(registry.<Boolean>read(view -> view.machines().values().stream()
                        .noneMatch(machine -> machine.mark().cordoned())))
                .isTrue();
    }

    private static Record expected(int digit, MachineMarkKind kind) {
        var machine =
                MachineExpected.newBuilder().setMachineId(String.valueOf(digit).repeat(32));
        if (kind != MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED) {
            machine.setMark(MachineMark.newBuilder().setKind(kind));
        }
        return Record.newBuilder().setMachineExpected(machine).build();
    }

    private Controller controller(Registry registry, MemoryLog raft, Controller.Beginning beginning) {
        return new Controller(
                new Controller.Inputs("e1", registry, raft, CLOCK, new Random(1)),
                terms,
                new NoMetrics(),
                Runnable::run,
                () -> Long.MAX_VALUE,
                beginning);
    }
}
