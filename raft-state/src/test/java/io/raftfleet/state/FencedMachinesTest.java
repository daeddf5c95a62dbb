package io.raftfleet.state;

import static io.raftfleet.state.Entries.await;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.entry;
import static io.raftfleet.state.Entries.fenceOver;
import static io.raftfleet.state.Entries.lost;
import static io.raftfleet.state.Entries.lostFenced;
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

/** Machines that are lost and may run units yet that must never run twice. */
class FencedMachinesTest {
    private static final String PLAIN = Entries.PLAIN;
    private static final String FENCED = "[Service]\nExecStart=/bin/single\n\n[X-Fleet]\nFence=true\n";
    private static final String BESIDE = "[Service]\nExecStart=/bin/beside\n\n[X-Fleet]\nMachineOf=single.service\n";

    private final Registry registry = new Registry(100);
    private long index;

    FencedMachinesTest() {
        apply(open("m1", 1, Map.of()), open("m2", 1, Map.of()));
        on("m1", "single.service", FENCED);
        on("m1", "beside.service", BESIDE);
        on("m1", "plain.service", PLAIN);
        on("m2", "other.service", PLAIN);
    }

    @Test
    void whatMustNeverRunTwiceMayRunOnALostMachineUntilItsFenceIsOver() {
        assertThat(registry.<Boolean>read(view -> view.mayRunFenced("m1"))).isTrue();
        assertThat(registry.<Boolean>read(view -> view.mayRunFenced("m2"))).isFalse();
        apply(lostFenced("m1", 1));
        assertThat(fenced()).containsExactly("m1");
        assertThat(leaves("single.service")).isTrue();
        assertThat(leaves("beside.service"))
                .as("it may need the unit that it goes with")
                .isTrue();
        assertThat(leaves("plain.service")).isFalse();
        assertThat(apply(fenceOver("m1", 2)).getFirst()).contains("m1 is not waited for");
        apply(fenceOver("m1", 1));
        assertThat(fenced()).isEmpty();
        assertThat(leaves("single.service")).isFalse();
        assertThat(apply(fenceOver("m1", 1)).getFirst()).contains("m1 is not waited for");
    }

    @Test
    void whatWasFoundOfOneUnitHoldsForTheNext() {
        on("m1", "a.service", "[Service]\nExecStart=/bin/a\n\n[X-Fleet]\nMachineOf=b.service\n");
        on(
                "m1",
                "b.service",
                "[Service]\nExecStart=/bin/b\n\n[X-Fleet]\nMachineOf=a.service\nMachineOf=plain.service\n");
        on(
                "m1",
                "c.service",
                "[Service]\nExecStart=/bin/c\n\n[X-Fleet]\nMachineOf=a.service\nMachineOf=beside.service\n");
        on(
                "m1",
                "d.service",
                "[Service]\nExecStart=/bin/d\n\n[X-Fleet]\nMachineOf=none.service\nMachineOf=c.service\n");
        var units = List.of("d.service", "c.service", "a.service", "b.service", "beside.service", "plain.service");
        for (var order : List.of(units, units.reversed())) {
            var found = registry.read(view -> {
                var fenced = new FencedUnits(view);
                return order.stream()
                        .filter(name -> fenced.has(Objects.requireNonNull(view.unit(name))))
                        .toList();
            });
            assertThat(found).containsExactlyInAnyOrder("d.service", "c.service", "beside.service");
        }
    }

    @Test
    void aMachineThatIsBackSaysItselfWhatItRuns() {
        apply(lostFenced("m1", 1), open("m1", 2, Map.of()));
        assertThat(fenced()).isEmpty();
        assertThat(leaves("single.service")).isTrue();
        assertThat(leaves("plain.service")).isTrue();
    }

    @Test
    void aMachineOfWhichTheWholeTimeWasWaitedOutRunsNothing() {
        apply(lost("m1", 1));
        assertThat(fenced()).isEmpty();
        assertThat(leaves("single.service")).isFalse();
    }

    @Test
    void whatAMachineHasYetToLetGoOfCountsAsFenced() {
        apply(Entries.destroy("other.service", version("other.service")));
        assertThat(registry.<Boolean>read(view -> view.mayRunFenced("m2"))).isTrue();
    }

    @Test
    void aCheckpointKnowsThem() {
        apply(lostFenced("m1", 1), await("m3"));
        List<Row> rows = registry.capture().rows().stream()
                .filter(row -> row.value() != null)
                .toList();
        var restored = new Registry(10);
        restored.restore(1, index, rows.iterator());
        assertThat(restored.read(RegistryView::fenced))
                .extracting(MachineRecord::id)
                .containsExactly("m1");
        assertThat(restored.digest()).isEqualTo(registry.digest());
    }

    private void on(String machine, String name, String text) {
        apply(contents(text), Entries.create(name, text, TargetState.TARGET_STATE_LAUNCHED, 0));
        apply(schedule(name, version(name), machine));
    }

    private long version(String name) {
        return registry.read(view -> Objects.requireNonNull(view.unit(name)).version());
    }

    private boolean leaves(String unit) {
        return registry.read(view -> view.leaves(Objects.requireNonNull(view.unit(unit)), "m1", new FencedUnits(view)));
    }

    private List<String> fenced() {
        return registry.read(
                view -> view.fenced().stream().map(MachineRecord::id).toList());
    }

    private List<@Nullable String> apply(Record... records) {
        return registry.apply(1, ++index, entry(records)).dropped();
    }
}
