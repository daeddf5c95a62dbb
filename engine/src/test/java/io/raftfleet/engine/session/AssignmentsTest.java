package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.log.UnitScheduled;
import io.raftfleet.proto.log.UnitUnscheduled;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What machines are told, read from a registry that came to be by records. */
class AssignmentsTest {
    private static final String M1 = "1".repeat(32);
    private static final String M2 = "2".repeat(32);
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final String GLOBAL = PLAIN + "\n[X-Fleet]\nGlobal=true\nMachineMetadata=disk=ssd\n";
    private static final String FENCED = PLAIN + "\n[X-Fleet]\nFence=true\n";

    private final Registry registry = new Registry(100);
    private long index;

    @BeforeEach
    void machines() {
        joins(M1, "ssd");
        joins(M2, "hdd");
    }

    @Test
    void aUnitIsDueWhereItIsScheduledAndNowhereElse() throws Exception {
        create("a.service", PLAIN);
        assertThat(all(M1)).isEmpty();
        schedule("a.service", M1);
        assertThat(all(M1)).singleElement().satisfies(order -> {
            assertThat(order.getName()).isEqualTo("a.service");
            assertThat(order.getHash()).isEqualTo(UnitHash.ofText(PLAIN).toByteString());
            assertThat(order.getTargetState()).isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
            assertThat(order.getStartGeneration())
                    .isEqualTo(unit("a.service").startGeneration())
                    .isPositive();
        });
        assertThat(all(M2)).isEmpty();
        assertThat(delta(M2, "a.service")).isEqualTo(nothing());
    }

    @Test
    void aUnitThatMovesIsDueOnceItHasLeftTheOtherMachine() throws Exception {
        create("a.service", PLAIN);
        schedule("a.service", M1);
        schedule("a.service", M2);
        assertThat(delta(M1, "a.service").getRemoveList()).containsExactly("a.service");
        assertThat(delta(M2, "a.service")).isEqualTo(nothing());
        reportsGone(M1, "a.service");
        assertThat(delta(M1, "a.service")).isEqualTo(nothing());
        assertThat(delta(M2, "a.service").getSetList()).isEqualTo(all(M2)).hasSize(1);
    }

    @Test
    void aUnitThatStartsFirstRunsOnUntilItIsUpOnItsNewMachine() throws Exception {
        var text = PLAIN + "\n[X-Fleet]\nStartFirst=yes\n";
        create("a.service", text);
        schedule("a.service", M1);
        var order = order("a.service");
        var state = UnitState.newBuilder()
                .setName("a.service")
                .setHash(UnitHash.ofText(text).toByteString())
                .setStartGeneration(order.getStartGeneration())
                .setLaunched(true);
        reports(M1, 1, state.clone().setActiveState("active"));
        schedule("a.service", M2);
        assertThat(delta(M1, "a.service")).isEqualTo(nothing());
        assertThat(delta(M2, "a.service").getSetList()).isEqualTo(all(M2)).hasSize(1);
        var inventory = Inventory.newBuilder()
                .addBuckets(Digest.bucket("a.service"))
                .addUnits(order)
                .build();
        assertThat(answer(M1, inventory).getHeldList()).containsExactly("a.service");

        var sequence = 1;
        for (var notYet : List.of(
                state.clone().setActiveState("activating"),
                state.clone().setActiveState("failed").setError("exited with 1"),
                state.clone().setActiveState("active").setPending(true),
                state.clone()
                        .setActiveState("active")
                        .setHash(UnitHash.ofText(PLAIN).toByteString()))) {
            reports(M2, sequence++, notYet);
            assertThat(delta(M1, "a.service")).as("%s", notYet).isEqualTo(nothing());
        }
        reports(M2, sequence++, state.clone().setActiveState("inactive"));
        assertThat(delta(M1, "a.service").getRemoveList())
                .as("it has ended well")
                .containsExactly("a.service");
        reports(M2, sequence, state.clone().setActiveState("active"));
        assertThat(delta(M1, "a.service").getRemoveList()).containsExactly("a.service");
        assertThat(answer(M1, inventory).getRemoveList()).containsExactly("a.service");
    }

    @Test
    void aUnitThatStartsFirstAndDoesNotRunAnywhereHoldsUpNothing() throws Exception {
        create("a.service", PLAIN + "\n[X-Fleet]\nStartFirst=true\n");
        schedule("a.service", M1);
        reports(
                M1,
                1,
                UnitState.newBuilder()
                        .setName("a.service")
                        .setActiveState("failed")
                        .setError("exited with 1"));
        schedule("a.service", M2);
        assertThat(delta(M1, "a.service").getRemoveList()).containsExactly("a.service");
    }

    @Test
    void aUnitThatStartsFirstRunsOnWhereItIsDrainedWhileItHasNoOtherMachine() throws Exception {
        create("a.service", PLAIN + "\n[X-Fleet]\nStartFirst=true\n");
        schedule("a.service", M1);
        reports(M1, 1, UnitState.newBuilder().setName("a.service").setActiveState("active"));
        schedule("a.service", M2);
        drain(M1, 0);
        apply(Record.newBuilder()
                .setUnitUnscheduled(UnitUnscheduled.newBuilder()
                        .setName("a.service")
                        .setVersion(unit("a.service").version())));
        assertThat(delta(M1, "a.service")).as("the new machine is lost").isEqualTo(nothing());
        drain(M1, 1);
        assertThat(delta(M1, "a.service").getRemoveList())
                .as("it has to be gone by a time")
                .containsExactly("a.service");
    }

    @Test
    void aUnitThatStartsFirstIsStoppedBeforeItIsUpElsewhereOnceADrainEndsWhatIsLeft() throws Exception {
        create("a.service", PLAIN + "\n[X-Fleet]\nStartFirst=true\n");
        schedule("a.service", M1);
        reports(M1, 1, UnitState.newBuilder().setName("a.service").setActiveState("active"));
        schedule("a.service", M2);
        drain(M1, 1);
        assertThat(delta(M1, "a.service")).isEqualTo(nothing());
        apply(Record.newBuilder()
                .setMachineMarked(
                        MachineMarked.newBuilder().setMachineId(M1).setKind(MachineMarkKind.MACHINE_MARK_KIND_ENDING)));
        assertThat(delta(M1, "a.service").getRemoveList()).containsExactly("a.service");
    }

    private void drain(String machine, long deadlineAfterMs) {
        apply(Record.newBuilder()
                .setMachineMarked(MachineMarked.newBuilder()
                        .setMachineId(machine)
                        .setKind(MachineMarkKind.MACHINE_MARK_KIND_DRAINING)
                        .setDeadlineAfterMs(deadlineAfterMs)));
    }

    @Test
    void aUnitThatStartsFirstAndIsWantedNoLongerEndsEverywhere() throws Exception {
        create("a.service", PLAIN + "\n[X-Fleet]\nStartFirst=true\n");
        schedule("a.service", M1);
        reports(M1, 1, UnitState.newBuilder().setName("a.service").setActiveState("active"));
        schedule("a.service", M2);
        assertThat(delta(M1, "a.service")).isEqualTo(nothing());
        apply(Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName("a.service")
                        .setVersion(unit("a.service").version())
                        .setTargetState(TargetState.TARGET_STATE_LOADED)));
        assertThat(delta(M1, "a.service").getRemoveList()).containsExactly("a.service");
    }

    @Test
    void aUnitThatMovesIsDueOnceTheOtherMachineIsLost() throws Exception {
        create("a.service", PLAIN);
        schedule("a.service", M1);
        schedule("a.service", M2);
        lose(M1);
        assertThat(all(M2)).hasSize(1);
        joins(M1, "ssd");
        assertThat(delta(M1, "a.service").getRemoveList())
                .as("when it is back it still has to let go")
                .containsExactly("a.service");
        assertThat(all(M2)).as("and until then the unit is not to run").isEmpty();
    }

    @Test
    void aGlobalUnitIsDueOnEveryMachineThatItAdmitsAndWaitsForNone() throws Exception {
        create("g.service", GLOBAL);
        assertThat(all(M1)).hasSize(1);
        assertThat(all(M2)).isEmpty();
        joins(M2, "ssd");
        assertThat(all(M2)).hasSize(1);
        joins(M1, "hdd");
        assertThat(delta(M1, "g.service").getRemoveList()).containsExactly("g.service");
        assertThat(all(M2)).hasSize(1);
    }

    @Test
    void whatIsDestroyedOrNotWantedHasToGo() throws Exception {
        for (var name : List.of("a.service", "b.service")) {
            create(name, PLAIN);
            schedule(name, M1);
        }
        apply(Record.newBuilder()
                .setUnitDestroyed(UnitDestroyed.newBuilder()
                        .setName("a.service")
                        .setVersion(unit("a.service").version())));
        apply(Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName("b.service")
                        .setVersion(unit("b.service").version())
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)));
        assertThat(delta(M1, "a.service", "b.service", "never.service").getRemoveList())
                .containsExactly("a.service", "b.service");
        assertThat(all(M1)).isEmpty();
    }

    @Test
    void theDigestIsOverWhatIsDue() throws Exception {
        create("a.service", PLAIN);
        schedule("a.service", M1);
        create("g.service", GLOBAL);
        var expected = new Digest();
        all(M1).forEach(order -> expected.add(order.getName(), Digest.of(order)));
        assertThat(all(M1)).hasSize(2);
        assertThat(read(M1, Assignments::digest).whole()).isEqualTo(expected.whole());
        schedule("a.service", M2);
        assertThat(read(M2, Assignments::digest).whole())
                .as("a unit that is held back")
                .isEqualTo(new Digest().whole());
    }

    @Test
    void anInventoryIsAnsweredWithWhatDiffersInItsBuckets() throws Exception {
        for (var name : List.of("same.service", "older.service", "missing.service", "held.service", "moved.service")) {
            create(name, PLAIN);
            schedule(name, M1);
        }
        schedule("moved.service", M2);
        schedule("held.service", M2);
        schedule("held.service", M1); // and has to leave the other one first
        var older = order("older.service").toBuilder().setStartGeneration(1).build();
        var found = AssignedUnit.newBuilder().setName("found.service").build();
        var moved = AssignedUnit.newBuilder().setName("moved.service").build();
        var held = AssignedUnit.newBuilder().setName("held.service").build();
        var inventory = Inventory.newBuilder().addAllUnits(List.of(order("same.service"), older, found, moved, held));
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            inventory.addBuckets(bucket);
        }
        var answer = answer(M1, inventory.build());
        assertThat(answer.getSetList()).containsExactlyInAnyOrder(order("older.service"), order("missing.service"));
        assertThat(answer.getRemoveList()).containsExactly("moved.service");
        assertThat(answer.getOrphansList()).containsExactly("found.service");

        int bucket = Digest.bucket("missing.service");
        var one = answer(M1, Inventory.newBuilder().addBuckets(bucket).build());
        assertThat(one.getSetList())
                .contains(order("missing.service"))
                .allMatch(set -> Digest.bucket(set.getName()) == bucket);
    }

    @Test
    void aChainOfThousandsOfUnitsLeavesALostMachine() throws Exception {
        int units = 5_000;
        var names = new ArrayList<String>();
        for (int i = 0; i < units; i++) {
            names.add("u" + i + ".service");
            create(names.getLast(), i == 0 ? PLAIN : PLAIN + "\n[X-Fleet]\nMachineOf=" + names.get(i - 1) + "\n");
            schedule(names.getLast(), M1);
        }
        apply(Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder()
                        .setMachineId(M1)
                        .setSessionEpoch(1)
                        .setFenced(true)));
        names.forEach(name -> schedule(name, M2));
        assertThat(delta(M2, names.getLast()).getSetList())
                .as("it goes with none that must never run twice")
                .hasSize(1);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThat(all(M2)).hasSize(units);
        assertThat((threads.getCurrentThreadAllocatedBytes() - before) / units)
                .as("bytes a unit, as a count of units that it looks at")
                .isLessThan(20_000);
    }

    @Test
    void ordersForFencedUnitsAreToldInEverySession() throws Exception {
        create("f.service", FENCED);
        schedule("f.service", M1);
        var inventory = Inventory.newBuilder()
                .addBuckets(Digest.bucket("f.service"))
                .addUnits(order("f.service"))
                .build();
        assertThat(answer(M1, inventory).getSetList()).containsExactly(order("f.service"));
    }

    @Test
    void aMachineReadsTheFilesOfItsOwnUnits() throws Exception {
        create("a.service", PLAIN);
        create("b.service", PLAIN + "# other\n");
        create("g.service", GLOBAL);
        schedule("a.service", M1);
        schedule("b.service", M2);
        assertThat(hashes(M1)).containsExactlyInAnyOrder(UnitHash.ofText(PLAIN), UnitHash.ofText(GLOBAL));
        assertThat(hashes(M2)).containsExactly(UnitHash.ofText(PLAIN + "# other\n"));
        assertThat(hashes("3".repeat(32))).isEmpty();
    }

    // --- What the registry says ------------------------------------------------------------------------------------

    private List<AssignedUnit> all(String machine) {
        return read(machine, Assignments::all);
    }

    private AssignedUnit order(String unit) {
        return read(
                Objects.requireNonNull(unit(unit).machineId()),
                (view, machine) -> AssignedUnit.newBuilder()
                        .setName(unit)
                        .setHash(unit(unit).hash().toByteString())
                        .setTargetState(unit(unit).target())
                        .setStartGeneration(unit(unit).startGeneration())
                        .build());
    }

    private AssignmentDelta delta(String machine, String... names) {
        return read(machine, (view, known) -> Assignments.delta(view, known, List.of(names)));
    }

    private AssignmentDelta answer(String machine, Inventory inventory) {
        return read(
                machine,
                (view, known) -> Assignments.answer(view, known, Assignments.differing(view, known, inventory)));
    }

    private AssignmentDelta nothing() {
        return AssignmentDelta.newBuilder()
                .setRevision(registry.<Revision>read(RegistryView::revision))
                .build();
    }

    private Set<UnitHash> hashes(String machine) {
        return registry.read(view -> Assignments.hashes(view, machine));
    }

    private UnitRecord unit(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private <T> T read(String machine, BiFunction<RegistryView, MachineRecord, T> read) {
        return registry.read(view -> read.apply(view, Objects.requireNonNull(view.machine(machine))));
    }

    // --- What happens ----------------------------------------------------------------------------------------------

    private void joins(String machine, String disk) {
        long epoch = registry.<Long>read(view -> {
            var known = view.machine(machine);
            return known == null ? 1L : known.sessionEpoch() + 1;
        });
        apply(Record.newBuilder()
                .setSessionOpened(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(epoch)
                        .putAllMetadata(Map.of("disk", disk))));
    }

    private void lose(String machine) {
        apply(Record.newBuilder()
                .setMachineLost(MachineLost.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(registry.<Long>read(view ->
                                Objects.requireNonNull(view.machine(machine)).sessionEpoch()))));
    }

    private void reports(String machine, long sequence, UnitState.Builder state) {
        apply(Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(1)
                        .setSequence(sequence)
                        .addStates(state)));
    }

    private void reportsGone(String machine, String unit) {
        apply(Record.newBuilder()
                .setStatesReported(StatesReported.newBuilder()
                        .setMachineId(machine)
                        .setSessionEpoch(1)
                        .setSequence(1)
                        .addStates(UnitState.newBuilder().setName("other.service"))
                        .addGone(unit)));
    }

    private void create(String name, String text) throws InvalidUnitException {
        var facts = Requirements.of(name, UnitFile.parse(text)).facts();
        apply(
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(UnitHash.ofText(text).toByteString())
                                        .setText(text))),
                Record.newBuilder()
                        .setUnitCreated(UnitCreated.newBuilder()
                                .setName(name)
                                .setHash(UnitHash.ofText(text).toByteString())
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                .setFacts(facts)));
    }

    private void schedule(String unit, String machine) {
        apply(Record.newBuilder()
                .setUnitScheduled(UnitScheduled.newBuilder()
                        .setName(unit)
                        .setVersion(unit(unit).version())
                        .setMachineId(machine)));
    }

    private void apply(Record.Builder... records) {
        var built = Stream.of(records).map(Record.Builder::build).toList();
        var entry = Entry.newBuilder()
                .setFormat(EntryFormats.needed(built))
                .addAllRecords(built)
                .build();
        assertThat(registry.apply(1, ++index, entry).dropped()).allMatch(Objects::isNull);
    }
}
