package io.raftfleet.state;

import static io.raftfleet.state.Entries.PLAIN;
import static io.raftfleet.state.Entries.await;
import static io.raftfleet.state.Entries.contents;
import static io.raftfleet.state.Entries.entry;
import static io.raftfleet.state.Entries.lost;
import static io.raftfleet.state.Entries.open;
import static io.raftfleet.state.Entries.restore;
import static io.raftfleet.state.Entries.told;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Machines of a restored registry, until it is known what they run. */
class AwaitedMachinesTest {
    private final Registry registry = new Registry(100);
    private long index;

    AwaitedMachinesTest() {
        apply(await("m1"), await("m2"), contents(PLAIN), restore("a.service", PLAIN, 5, "m1"));
    }

    @Test
    void aMachineIsAwaitedUntilAllThatItRunsIsTold() {
        assertThat(awaited()).containsExactly("m1", "m2");
        apply(open("m2", 1, Map.of()));
        assertThat(awaited()).as("its agent has yet to tell").containsExactly("m1", "m2");
        apply(told("m2", 1, false, "a.service"));
        assertThat(awaited()).containsExactly("m1", "m2");
        assertThat(departures()).containsExactly("m2");
        assertThat(apply(told("m2", 2, true)).getFirst()).contains("session 2 of machine m2 is over");
        apply(told("m2", 1, true));
        assertThat(awaited()).containsExactly("m1");
        assertThat(departures()).containsExactly("m2");
    }

    @Test
    void whatAMachineIsToHaveOrNobodyKnowsNeedNotLeaveIt() {
        apply(open("m1", 1, Map.of()), told("m1", 1, true, "a.service", "none.service"));
        assertThat(departures()).isEmpty();
        assertThat(registry.<Set<String>>read(view -> Set.copyOf(view.departures("none.service"))))
                .isEmpty();
    }

    @Test
    void aLostMachineIsAwaitedNoLonger() {
        apply(lost("m1", 0));
        assertThat(awaited()).containsExactly("m2");
    }

    @Test
    void whoComesWhileOthersAreAwaitedIsAwaitedToo() {
        apply(open("m3", 1, Map.of()));
        assertThat(awaited()).containsExactly("m1", "m2", "m3");
        apply(told("m3", 1, true));
        apply(open("m3", 2, Map.of()));
        assertThat(awaited()).as("what it runs is known").containsExactly("m1", "m2");
        apply(lost("m1", 0), lost("m2", 0));
        apply(open("m4", 1, Map.of()), open("m1", 1, Map.of()));
        assertThat(awaited()).isEmpty();
    }

    @Test
    void aCheckpointKnowsWhoIsAwaited() {
        List<Row> rows = registry.capture().rows().stream()
                .filter(row -> row.value() != null)
                .toList();
        var restored = new Registry(10);
        restored.restore(1, index, rows.iterator());
        assertThat(restored.<Integer>read(RegistryView::awaitedMachines)).isEqualTo(2);
        assertThat(restored.digest()).isEqualTo(registry.digest());
    }

    private List<String> awaited() {
        var ids = registry.read(
                view -> view.awaited().stream().map(MachineRecord::id).toList());
        assertThat(registry.<Integer>read(RegistryView::awaitedMachines)).isEqualTo(ids.size());
        return ids;
    }

    private Set<String> departures() {
        return registry.read(view -> Set.copyOf(view.departures("a.service")));
    }

    private List<@Nullable String> apply(Record... records) {
        return registry.apply(1, ++index, entry(records)).dropped();
    }
}
