package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Mark;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FenceWaitsTest {
    private static final long SECOND = 1_000_000_000L;

    private final FenceWaits waits = new FenceWaits(10 * SECOND);

    @Test
    void eachMachineHasItsTimeFromWhenItWasSeenFirst() {
        assertThat(over(1, 0, "m1")).isEmpty();
        assertThat(over(1, 4, "m1", "m2")).isEmpty();
        assertThat(over(1, 9, "m1", "m2")).isEmpty();
        assertThat(over(1, 10, "m1", "m2")).containsExactly("m1");
        assertThat(over(1, 14, "m2")).containsExactly("m2");
    }

    @Test
    void oneOfWhichNothingComesIsSaidAgain() {
        assertThat(over(1, 0, "m1")).isEmpty();
        assertThat(over(1, 10, "m1")).containsExactly("m1");
        assertThat(over(1, 10, "m1")).isEmpty();
        assertThat(over(1, 11, "m1")).containsExactly("m1");
    }

    @Test
    void anotherTermOrAnotherLossCountsFromTheBeginning() {
        assertThat(over(1, 0, "m1")).isEmpty();
        assertThat(over(2, 9, "m1")).isEmpty();
        assertThat(over(2, 18, "m1")).isEmpty();
        assertThat(over(2, 18)).isEmpty();
        assertThat(over(2, 19, "m1")).as("it was back in between").isEmpty();
        assertThat(waits.over(List.of(machine("m1", 2)), 2, 28 * SECOND))
                .as("by another session")
                .isEmpty();
        assertThat(waits.over(List.of(machine("m1", 2)), 2, 38 * SECOND)).hasSize(1);
    }

    private List<String> over(long term, long second, String... machines) {
        var fenced = List.of(machines).stream().map(id -> machine(id, 1)).toList();
        return waits.over(fenced, term, second * SECOND).stream()
                .map(MachineRecord::id)
                .toList();
    }

    private static MachineRecord machine(String id, long epoch) {
        return new MachineRecord(id, "", Map.of(), Map.of(), "", 0, "", false, epoch, 0, 0, false, true, Mark.NONE, 0);
    }
}
