package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What machines of a restored registry are told, until all have said what they run. */
class AwaitedAssignmentsTest {
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";

    private final Registry registry = new Registry(1000);
    private long index;

    AwaitedAssignmentsTest() {
        apply(
                awaited("m1"),
                awaited("m2"),
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(UnitHash.ofText(TEXT).toByteString())
                                        .setText(TEXT)))
                        .build(),
                unit("run.service", TargetState.TARGET_STATE_LAUNCHED, false),
                unit("load.service", TargetState.TARGET_STATE_LOADED, false),
                unit("all.service", TargetState.TARGET_STATE_LAUNCHED, true),
                Record.newBuilder()
                        .setClusterCreated(
                                ClusterCreated.newBuilder().setIncarnation(2).setRestoredFrom(1))
                        .build(),
                open("m1"));
    }

    @Test
    void noUnitIsStartedBeforeAllMachinesHaveTold() {
        assertThat(orders()).containsExactlyInAnyOrder("load.service", "all.service");
        apply(told("m1"));
        assertThat(orders()).doesNotContain("run.service");
        apply(open("m2"));
        assertThat(orders()).doesNotContain("run.service");
        apply(told("m2"));
        assertThat(orders()).containsExactlyInAnyOrder("load.service", "all.service", "run.service");
    }

    @Test
    void aLostMachineIsNotWaitedFor() {
        apply(told("m1"));
        apply(Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder().setMachineId("m2"))
                .build());
        assertThat(orders()).contains("run.service");
    }

    @Test
    void whatRunsWhereItIsToBeIsOrderedAtOnce() {
        report("active", UnitHash.ofText(TEXT));
        assertThat(orders()).contains("run.service");
    }

    @Test
    void whatRunsWithAnotherFileIsNotStartedAnewYet() {
        report("active", UnitHash.ofText("[Service]\nExecStart=/bin/later\n"));
        assertThat(orders()).doesNotContain("run.service");
    }

    @Test
    void whatGoesDownWhereItIsToBeIsNotStartedThereAgain() {
        report("deactivating", UnitHash.ofText(TEXT));
        assertThat(orders()).doesNotContain("run.service");
    }

    private void report(String active, UnitHash hash) {
        apply(Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId("m1")
                        .setSessionEpoch(1)
                        .setSequence(1)
                        .addStates(UnitState.newBuilder()
                                .setName("run.service")
                                .setHash(hash.toByteString())
                                .setLoadState("loaded")
                                .setActiveState(active)))
                .build());
    }

    @Test
    void anInventoryIsAnsweredWithWhatIsNeitherToStartNorToStop() {
        assertThat(answer("m1").getHeldList())
                .as("it is to be there, and is not known to run")
                .containsExactly("run.service");
        apply(open("m2"));
        var answer = answer("m2");
        assertThat(answer.getHeldList())
                .as("it may run there, and where it stays is not decided yet")
                .containsExactlyInAnyOrder("run.service", "load.service");
        assertThat(answer.getRemoveList()).isEmpty();
        assertThat(answer.getOrphansList()).containsExactly("other.service");
        apply(told("m2"));
        assertThat(answer("m2").getRemoveList()).containsExactlyInAnyOrder("run.service", "load.service");
        apply(told("m1"));
        assertThat(answer("m1").getHeldList()).isEmpty();
    }

    /** To a machine that has all of it, with orders of another time. */
    private AssignmentDelta answer(String machine) {
        var inventory = Inventory.newBuilder()
                .addAllBuckets(IntStream.range(0, Digest.BUCKETS).boxed().toList());
        for (var name : List.of("run.service", "load.service", "all.service", "other.service")) {
            inventory.addUnits(AssignedUnit.newBuilder().setName(name).setStartGeneration(3));
        }
        return registry.read(view -> {
            var known = Objects.requireNonNull(view.machine(machine));
            return Assignments.answer(view, known, Assignments.differing(view, known, inventory.build()));
        });
    }

    private List<String> orders() {
        return registry.read(view -> Assignments.all(view, Objects.requireNonNull(view.machine("m1"))).stream()
                .map(AssignedUnit::getName)
                .toList());
    }

    private static Record awaited(String machine) {
        return Record.newBuilder()
                .setMachineExpected(
                        MachineExpected.newBuilder().setMachineId(machine).setAwaited(true))
                .build();
    }

    private static Record unit(String name, TargetState target, boolean global) {
        return Record.newBuilder()
                .setUnitRestored(UnitRestored.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.ofText(TEXT).toByteString())
                        .setTargetState(target)
                        .setStartGeneration(7)
                        .setMachineId(global ? "" : "m1")
                        .setFacts(UnitFacts.newBuilder().setGlobal(global)))
                .build();
    }

    private static Record open(String machine) {
        return Record.newBuilder()
                .setSessionOpened(
                        SessionOpened.newBuilder().setMachineId(machine).setSessionEpoch(1))
                .build();
    }

    private static Record told(String machine) {
        return Record.newBuilder()
                .setMachineTold(MachineTold.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(1)
                        .setComplete(true))
                .build();
    }

    private void apply(Record... records) {
        var dropped = registry.apply(
                        1,
                        ++index,
                        Entry.newBuilder().addAllRecords(List.of(records)).build())
                .dropped();
        assertThat(dropped).containsOnlyNulls();
    }
}
