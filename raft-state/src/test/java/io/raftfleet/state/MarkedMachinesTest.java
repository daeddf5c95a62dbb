package io.raftfleet.state;

import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_CORDONED;
import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_DRAINED;
import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_DRAINING;
import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_ENDING;
import static io.raftfleet.proto.model.MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED;
import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.forgotten;
import static io.raftfleet.state.Entries.gone;
import static io.raftfleet.state.Entries.lost;
import static io.raftfleet.state.Entries.lostAt;
import static io.raftfleet.state.Entries.lostFenced;
import static io.raftfleet.state.Entries.marked;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.schedule;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What operators say of machines as places for units, and lost machines until they are forgotten. */
class MarkedMachinesTest {
    private static final String GLOBAL = "[Service]\nExecStart=/bin/everywhere\n\n[X-Fleet]\nGlobal=true\n";

    private Registry registry = new Registry(100);
    private long index;

    MarkedMachinesTest() {
        apply(open("m1", 1, Map.of()), open("m2", 1, Map.of()));
        apply(contents(GLOBAL), Entries.create("everywhere.service", GLOBAL, TargetState.TARGET_STATE_LAUNCHED, 0));
    }

    @Test
    void aDrainKeepsWhatWasOrderedUntilItsEnd() {
        apply(marked("m1", MACHINE_MARK_KIND_DRAINING, 3, 60_000));
        var mark = mark("m1");
        assertThat(mark.maxParallel()).isEqualTo(3);
        assertThat(mark.deadlineMs()).isEqualTo(mark.sinceMs() + 60_000);
        assertThat(mark.cordoned() && mark.empties() && mark.draining()).isTrue();
        assertThat(mark.endsGlobals()).isFalse();
        assertThat(registry.<Integer>read(RegistryView::drainingMachines)).isEqualTo(1);
        apply(marked("m1", MACHINE_MARK_KIND_ENDING));
        assertThat(mark("m1")).isEqualTo(mark.further(MACHINE_MARK_KIND_ENDING));
        apply(marked("m1", MACHINE_MARK_KIND_DRAINED));
        assertThat(mark("m1")).isEqualTo(mark.further(MACHINE_MARK_KIND_DRAINED));
        assertThat(registry.<Integer>read(RegistryView::drainingMachines)).isZero();
    }

    @Test
    void whatADrainIsNotAtIsDropped() {
        assertThat(apply(marked("m3", MACHINE_MARK_KIND_CORDONED))).containsExactly("machine m3 is unknown");
        assertThat(apply(marked("m1", MACHINE_MARK_KIND_ENDING)).getFirst()).contains("m1 is not to be");
        apply(marked("m1", MACHINE_MARK_KIND_DRAINING));
        assertThat(apply(marked("m1", MACHINE_MARK_KIND_DRAINED)).getFirst()).contains("m1 is not to be");
        apply(marked("m1", MACHINE_MARK_KIND_CORDONED));
        assertThat(apply(marked("m1", MACHINE_MARK_KIND_ENDING)).getFirst())
                .as("somebody has stopped it")
                .contains("m1 is not to be");
    }

    @Test
    void globalUnitsStayOnACordonedMachineAndEndLastOnADrainedOne() {
        apply(marked("m1", MACHINE_MARK_KIND_CORDONED));
        assertThat(hasGlobal("m1")).isTrue();
        apply(marked("m1", MACHINE_MARK_KIND_DRAINING));
        assertThat(hasGlobal("m1")).isTrue();
        apply(marked("m1", MACHINE_MARK_KIND_ENDING));
        assertThat(hasGlobal("m1")).isFalse();
        assertThat(departuresFrom("m1")).containsExactly("everywhere.service");
        assertThat(hasGlobal("m2")).isTrue();
        apply(gone("m1", 1, 1, "everywhere.service"), marked("m1", MACHINE_MARK_KIND_DRAINED));
        assertThat(hasGlobal("m1")).isFalse();
        apply(marked("m1", MACHINE_MARK_KIND_UNSPECIFIED));
        assertThat(hasGlobal("m1")).isTrue();
        assertThat(departuresFrom("m1")).isEmpty();
    }

    @Test
    void aMarkOutlastsTheMachinesSessionsAndItsLoss() {
        apply(marked("m1", MACHINE_MARK_KIND_DRAINING, 2, 0));
        var mark = mark("m1");
        apply(lostAt("m1", 1, 77_000));
        assertThat(mark("m1")).isEqualTo(mark);
        assertThat(machine("m1").lostMs()).isEqualTo(77_000);
        apply(open("m1", 2, Map.of()));
        assertThat(mark("m1")).isEqualTo(mark);
        assertThat(machine("m1").lostMs()).isZero();
    }

    @Test
    void marksAreFactsOfTheirOwnVersion() {
        long before = registry.read(RegistryView::lastFact);
        apply(marked("m1", MACHINE_MARK_KIND_CORDONED));
        assertThat(registry.<List<String>>read(
                        view -> view.factsAfter(Fact.Kind.METADATA, new Fact(before, "")).stream()
                                .map(Fact::id)
                                .toList()))
                .containsExactly("m1");
    }

    @Test
    void aCheckpointKnowsThem() {
        apply(marked("m1", MACHINE_MARK_KIND_DRAINING, 2, 5), lostAt("m2", 1, 99));
        var rows = registry.capture().rows();
        var restored = new Registry(100);
        restored.restore(
                1,
                index,
                rows.stream().map(row -> new Row(row.key(), row.value())).iterator());
        assertThat(restored.digest()).isEqualTo(registry.digest());
        var before = registry;
        registry = restored;
        assertThat(mark("m1"))
                .isEqualTo(before.read(
                        view -> Objects.requireNonNull(view.machine("m1")).mark()));
        assertThat(machine("m2").lostMs()).isEqualTo(99);
        assertThat(registry.<Integer>read(RegistryView::drainingMachines)).isEqualTo(1);
    }

    @Test
    void aLostMachineIsForgottenWithAllThatWasSaidOfIt() {
        apply(contents(PLAIN), Entries.create("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED, 0));
        apply(schedule("a.service", version("a.service"), "m1"), Entries.metadata("m1", "disk", "ssd"));
        assertThat(apply(forgotten("m1"))).containsExactly("machine m1 is not lost for good");
        apply(lost("m1", 1));
        assertThat(apply(forgotten("m1"))).containsExactly("machine m1 has units");
        apply(schedule("a.service", version("a.service"), "m2"));
        assertThat(departuresFrom("m1")).isNotEmpty();
        var changes = new java.util.ArrayList<Change>();
        registry.addListener(applied -> changes.addAll(applied.changes()));
        assertThat(apply(forgotten("m1")).getFirst()).isNull();
        assertThat(registry.<Boolean>read(view -> view.machine("m1") == null)).isTrue();
        assertThat(departuresFrom("m1")).isEmpty();
        assertThat(changes).last().isInstanceOf(Change.OfMachineGone.class);
        assertThat(registry.<Long>read(view -> view.removedAt(Fact.Kind.METADATA, "m1")))
                .isPositive();
        apply(open("m1", 1, Map.of()));
        assertThat(machine("m1").operators()).isEmpty();
    }

    @Test
    void aMachineThatMayRunWhatMustNeverRunTwiceIsNotForgotten() {
        apply(lostFenced("m1", 1));
        assertThat(apply(forgotten("m1"))).containsExactly("machine m1 is not lost for good");
        apply(Entries.fenceOver("m1", 1), forgotten("m1"));
        assertThat(registry.<Boolean>read(view -> view.machine("m1") == null)).isTrue();
    }

    @Test
    void whatEntriesHadBeforeIsWrittenAsBefore() {
        assertThat(EntryFormats.needed(List.of(lost("m1", 1)))).isEqualTo(1);
        assertThat(EntryFormats.needed(List.of(lostFenced("m1", 1)))).isEqualTo(EntryFormats.WITH_FENCES);
        assertThat(EntryFormats.needed(List.of(lostAt("m1", 1, 5)))).isEqualTo(EntryFormats.WITH_MARKS);
        assertThat(EntryFormats.needed(List.of(Entries.await("m1")))).isEqualTo(EntryFormats.WITH_AWAITED);
    }

    private List<@Nullable String> apply(Record... records) {
        return registry.apply(1, ++index, Entries.entry(records)).dropped();
    }

    private MachineRecord machine(String id) {
        return Objects.requireNonNull(registry.read(view -> view.machine(id)));
    }

    private Mark mark(String id) {
        return machine(id).mark();
    }

    private long version(String unit) {
        return Objects.requireNonNull(registry.read(view -> view.unit(unit))).version();
    }

    private boolean hasGlobal(String id) {
        return registry.read(view -> view.assigned(
                Objects.requireNonNull(view.unit("everywhere.service")), Objects.requireNonNull(view.machine(id))));
    }

    private List<String> departuresFrom(String id) {
        return registry.read(view -> List.copyOf(view.departuresFrom(id)));
    }
}
