package io.raftfleet.engine.schedule;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How many units of some kind are attached to each machine. Owned by {@link Cluster}. */
final class MachineCounts {
    private @Nullable Map<MachineEntry, Integer> counts;

    int get(MachineEntry machine) {
        return counts == null ? 0 : counts.getOrDefault(machine, 0);
    }

    boolean isEmpty() {
        return counts == null;
    }

    void increment(MachineEntry machine) {
        if (counts == null) {
            counts = new HashMap<>(2);
        }
        counts.merge(machine, 1, Integer::sum);
    }

    void decrement(MachineEntry machine) {
        if (counts != null) {
            counts.computeIfPresent(machine, (same, count) -> count == 1 ? null : Integer.valueOf(count - 1));
            if (counts.isEmpty()) {
                counts = null;
            }
        }
    }

    void clear() {
        counts = null;
    }
}
