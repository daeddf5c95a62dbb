package io.raftfleet.engine.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * When each machine was heard last: soft state of the leader alone. A new leader gives every present machine one full TTL,
 * so that a leader change never makes a machine look dead. Costs O(log machines) a heartbeat and nothing for machines that
 * are heard. Guarded by its own monitor.
 *
 * <p>Times are of a monotonic clock, in nanoseconds.
 */
final class MachineLiveness {
    private record Due(String machineId, long at) {}

    private static final class Heard {
        long at;
        /** In this term at least once; otherwise {@link #at} is when the term began. */
        boolean inThisTerm;
    }

    /**
     * A machine that was not heard for its TTL.
     *
     * @param everHeard whether this leader had heard it at all
     */
    record Silent(String machineId, boolean everHeard) {}

    private final long ttlNanos;
    private final Map<String, Heard> heard = new HashMap<>();
    private final PriorityQueue<Due> due = new PriorityQueue<>((a, b) -> Long.compare(a.at() - b.at(), 0));

    MachineLiveness(Duration ttl) {
        ttlNanos = ttl.toNanos();
    }

    /** A term begins: every present machine has until {@code now} plus TTL. */
    synchronized void begin(Collection<String> present, long now) {
        heard.clear();
        due.clear();
        for (var machine : present) {
            var entry = new Heard();
            entry.at = now;
            heard.put(machine, entry);
            due.add(new Due(machine, now + ttlNanos));
        }
    }

    synchronized void heard(String machineId, long now) {
        var entry = heard.get(machineId);
        if (entry == null) {
            entry = new Heard();
            heard.put(machineId, entry);
            due.add(new Due(machineId, now + ttlNanos));
        }
        entry.at = now;
        entry.inThisTerm = true;
    }

    /** Whether this leader has heard a machine within its TTL. */
    synchronized boolean hears(String machineId, long now) {
        var entry = heard.get(machineId);
        return entry != null && entry.inThisTerm && now - entry.at < ttlNanos;
    }

    /** Machines whose TTL is over; they are forgotten until they are heard again. */
    synchronized List<Silent> silent(long now, int limit) {
        var silent = new ArrayList<Silent>();
        for (var head = due.peek(); head != null && head.at() - now <= 0 && silent.size() < limit; head = due.peek()) {
            due.remove();
            var entry = heard.get(head.machineId());
            if (entry == null) {
                continue;
            }
            long end = entry.at + ttlNanos;
            if (end - now > 0) {
                due.add(new Due(head.machineId(), end));
            } else {
                heard.remove(head.machineId());
                silent.add(new Silent(head.machineId(), entry.inThisTerm));
            }
        }
        return silent;
    }

    /** Puts machines back that were found silent but are not to be given up yet. */
    synchronized void respite(Collection<Silent> machines, long now) {
        for (var machine : machines) {
            if (!heard.containsKey(machine.machineId())) {
                var entry = new Heard();
                entry.at = now;
                heard.put(machine.machineId(), entry);
                due.add(new Due(machine.machineId(), now + ttlNanos));
            }
        }
    }

    synchronized int size() {
        return heard.size();
    }
}
