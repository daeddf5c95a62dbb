package io.raftfleet.engine.session;

import io.raftfleet.state.MachineRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long machines that are lost may still run units that must never run twice. That counts from when this leader has first seen such a
 * machine: it was lost before, whoever led then. Used by one thread.
 */
final class FenceWaits {
    private static final long RETRY_NANOS = 1_000_000_000L;

    /**
     * @param epoch of the session by which the machine was lost
     * @param end of its time
     */
    private record Wait(long epoch, long end) {}

    private final long timeNanos;
    private final Map<String, Wait> waits = new HashMap<>();
    private long term;

    /** @param timeNanos how long after its loss a machine may run such a unit */
    FenceWaits(long timeNanos) {
        this.timeNanos = timeNanos;
    }

    /**
     * Those of these machines whose time is over. One of which nothing comes is among them again after a second.
     *
     * @param fenced all that there are now
     * @param inTerm in which this engine leads; another one counts from the beginning
     */
    List<MachineRecord> over(Collection<MachineRecord> fenced, long inTerm, long now) {
        if (term != inTerm) {
            waits.clear();
            term = inTerm;
        }
        if (fenced.isEmpty()) {
            waits.clear();
            return List.of();
        }
        waits.keySet().retainAll(fenced.stream().map(MachineRecord::id).toList());
        var over = new ArrayList<MachineRecord>();
        for (var machine : fenced) {
            var wait = waits.compute(machine.id(), (id, known) -> of(machine, known, now));
            if (wait.end() - now <= 0) {
                waits.put(machine.id(), new Wait(wait.epoch(), now + RETRY_NANOS));
                over.add(machine);
            }
        }
        return over;
    }

    private Wait of(MachineRecord machine, @Nullable Wait known, long now) {
        return known != null && known.epoch() == machine.sessionEpoch()
                ? known
                : new Wait(machine.sessionEpoch(), now + timeNanos);
    }
}
