package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of units that a machine turns out to run, in a registry that was restored and has them on another one. */
class ToldWorkTest {
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final String ON_SSD = PLAIN + "\n[X-Fleet]\nMachineMetadata=disk=ssd\n";

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final LinkedBlockingQueue<Long> leading = new LinkedBlockingQueue<>();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, InstantSource.system(), new Random(7)),
            new Recorded(),
            new NoMetrics(),
            Runnable::run);

    @AfterEach
    void close() {
        controller.close();
    }

    @Test
    void aUnitThatRunsElsewhereStaysThere() throws Exception {
        restored(PLAIN, "a.service");
        open("m2", Map.of());
        active("m2", "a.service");
        told("m2", "a.service");
        assertThat(unit("a.service").machineId()).isEqualTo("m2");
        assertThat(departures("a.service"))
                .as("it is not started on m2 before m1 has let go of it")
                .containsExactly("m1");
        assertThat(machine("m2").awaited()).isFalse();
        assertThat(machine("m1").awaited()).isTrue();
    }

    @Test
    void aUnitThatDoesNotRunElsewhereLeavesBeforeItIsStarted() throws Exception {
        restored(PLAIN, "a.service");
        open("m2", Map.of());
        told("m2", "a.service");
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThat(departures("a.service")).containsExactly("m2");
    }

    @Test
    void aUnitThatRunsWhereItIsToBeStaysThere() throws Exception {
        restored(PLAIN, "a.service");
        open("m1", Map.of());
        active("m1", "a.service");
        told("m1");
        open("m2", Map.of());
        active("m2", "a.service");
        told("m2", "a.service");
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThat(departures("a.service")).containsExactly("m2");
    }

    @Test
    void aUnitLeavesAMachineThatDoesNotAdmitIt() throws Exception {
        restored(ON_SSD, "a.service");
        open("m1", Map.of("disk", "ssd"));
        open("m2", Map.of("disk", "hdd"));
        active("m2", "a.service");
        told("m2", "a.service");
        assertThat(unit("a.service").machineId()).isEqualTo("m1");
        assertThat(departures("a.service")).containsExactly("m2");
    }

    @Test
    void manyUnitsTakeSeveralRecordsAndTheMachineIsAwaitedUntilTheLast() throws Exception {
        var names = IntStream.range(0, 2500).mapToObj(i -> "u" + i + ".service").toArray(String[]::new);
        restored(PLAIN, names);
        open("m2", Map.of());
        raft.next(MemoryLog.Fate.UNAVAILABLE);
        var refused = controller.told("m2", 1, List.of(names));
        assertThat(refused.handle((none, failure) -> failure).get(10, TimeUnit.SECONDS))
                .isInstanceOf(Abandoned.class);
        assertThat(machine("m2").awaited()).isTrue();
        leading.poll(10, TimeUnit.SECONDS);
        told("m2", names);
        assertThat(List.of(names))
                .allSatisfy(name -> assertThat(departures(name)).containsExactly("m2"));
        assertThat(machine("m2").awaited()).isFalse();
    }

    @Test
    void whatASessionTellsThatIsOverCountsForNothing() throws Exception {
        restored(PLAIN, "a.service");
        open("m2", Map.of());
        open("m2", Map.of());
        told(1, "m2", "a.service");
        assertThat(departures("a.service")).isEmpty();
        assertThat(machine("m2").awaited()).isTrue();
    }

    private void restored(String text, String... names) throws Exception {
        var file = UnitFile.parse(text);
        UnitFacts facts = Requirements.of(names[0], file).facts();
        var records = new ArrayList<Record>();
        for (var machine : List.of("m1", "m2")) {
            records.add(Record.newBuilder()
                    .setMachineExpected(
                            MachineExpected.newBuilder().setMachineId(machine).setAwaited(true))
                    .build());
        }
        records.add(Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(file.hash().toByteString())
                                .setText(text)))
                .build());
        for (var name : names) {
            records.add(Record.newBuilder()
                    .setUnitRestored(UnitRestored.newBuilder()
                            .setName(name)
                            .setHash(file.hash().toByteString())
                            .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                            .setStartGeneration(5)
                            .setMachineId("m1")
                            .setFacts(facts))
                    .build());
        }
        records.add(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(7).setRestoredFrom(6))
                .build());
        raft.propose(Entry.newBuilder().addAllRecords(records).build(), Duration.ofSeconds(1))
                .get(10, TimeUnit.SECONDS);
        controller.start();
        controller.leaderStarted(1);
        assertThat(leading.poll(10, TimeUnit.SECONDS)).isEqualTo(1);
    }

    private void open(String machine, Map<String, String> metadata) throws Exception {
        controller
                .openSession(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .putAllMetadata(metadata)
                        .build())
                .get(10, TimeUnit.SECONDS);
    }

    private void active(String machine, String name) throws Exception {
        controller
                .report(
                        StatesReported.newBuilder()
                                .setMachineId(machine)
                                .setSessionEpoch(1)
                                .setSequence(1)
                                .addStates(UnitState.newBuilder()
                                        .setName(name)
                                        .setLoadState("loaded")
                                        .setActiveState("active"))
                                .build(),
                        Urgency.SOON)
                .get(10, TimeUnit.SECONDS);
    }

    private void told(String machine, String... found) throws Exception {
        told(1, machine, found);
    }

    private void told(long epoch, String machine, String... found) throws Exception {
        controller.told(machine, epoch, List.of(found)).get(10, TimeUnit.SECONDS);
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private MachineRecord machine(String id) {
        return Objects.requireNonNull(registry.read(view -> view.machine(id)));
    }

    private Set<String> departures(String name) {
        return registry.read(view -> Set.copyOf(view.departures(name)));
    }

    private final class Recorded implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            leading.add(term);
        }

        @Override
        public void resigned(long term) {}
    }
}
