package io.raftfleet.engine.session;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.ToLongFunction;

/**
 * When each machine was heard last: soft state of the leader alone. A new leader gives every present machine one full TTL,
 * so that a leader change never makes a machine look dead. Costs O(log machines) a heartbeat and nothing for machines that
 * are heard. Guarded by its own monitor.
 *
 * <p>Times are of a monotonic clock, in nanoseconds.
 */
final class MachineLiveness {
    private static final int GRACE = 10;

    private record Due(String machineId, long at) {}

    private static final class Heard {
        final long epoch;
        long at;
        /** In this term at least once; otherwise {@link #at} is when the term began. */
        boolean inThisTerm;

        Heard(long epoch, long at) {
            this.epoch = epoch;
            this.at = at;
        }
    }

    /**
     * A machine that was not heard for its TTL.
     *
     * @param epoch of the session in which it was to be heard
     * @param everHeard whether this leader had heard it at all
     */
    record Silent(String machineId, long epoch, boolean everHeard) {}

    private final long ttlNanos;
    private final Map<String, Heard> heard = new HashMap<>();
    private final PriorityQueue<Due> due = new PriorityQueue<>((a, b) -> Long.compare(a.at() - b.at(), 0));

    MachineLiveness(Duration ttl) {
        ttlNanos = ttl.toNanos();
    }

    /**
     * A term begins: every present machine has until {@code now} plus TTL; one that had no session yet in this life of the
     * registry, because that was restored, has {@link #GRACE} times as long.
     *
     * @param present the epoch of each one's session; 0 for none
     */
    synchronized void begin(Map<String, Long> present, long now) {
        heard.clear();
        due.clear();
        present.forEach((machine, epoch) -> {
            long from = epoch == 0 ? now + (GRACE - 1) * ttlNanos : now;
            heard.put(machine, new Heard(epoch, from));
            due.add(new Due(machine, from + ttlNanos));
        });
    }

    /** A session of a machine has been opened: from now on it is heard. */
    synchronized void opened(String machineId, long epoch, long now) {
        var entry = new Heard(epoch, now);
        entry.inThisTerm = true;
        var before = heard.put(machineId, entry);
        if (before == null || before.epoch == 0) {
            due.add(new Due(machineId, now + ttlNanos));
        }
    }

    /**
     * A machine has been heard in an open session. False when it had been given up before: its session must not go on, for
     * its units may be starting elsewhere.
     */
    synchronized boolean heard(String machineId, long now) {
        var entry = heard.get(machineId);
        if (entry == null) {
            return false;
        }
        entry.at = now;
        entry.inThisTerm = true;
        return true;
    }

    /** Whether this leader has heard a machine within its TTL. */
    synchronized boolean hears(String machineId, long now) {
        var entry = heard.get(machineId);
        return entry != null && entry.inThisTerm && now - entry.at < ttlNanos;
    }

    /**
     * Machines whose TTL is over, and what they need after it; they are forgotten until they open a session.
     *
     * @param extraNanos how much longer than its TTL to wait for a machine; asked only when the TTL is over
     */
    synchronized List<Silent> silent(long now, int limit, ToLongFunction<String> extraNanos) {
        var silent = new ArrayList<Silent>();
        for (var head = due.peek(); head != null && head.at() - now <= 0 && silent.size() < limit; head = due.peek()) {
            due.remove();
            var entry = heard.get(head.machineId());
            if (entry == null) {
                continue;
            }
            long end = entry.at + ttlNanos;
            if (end - now <= 0) {
                end += extraNanos.applyAsLong(head.machineId());
            }
            if (end - now > 0) {
                due.add(new Due(head.machineId(), end));
            } else {
                heard.remove(head.machineId());
                silent.add(new Silent(head.machineId(), entry.epoch, entry.inThisTerm));
            }
        }
        return silent;
    }

    /** Puts machines back that were found silent but are not to be given up yet. */
    synchronized void respite(Collection<Silent> machines, long now) {
        for (var machine : machines) {
            if (!heard.containsKey(machine.machineId())) {
                heard.put(machine.machineId(), new Heard(machine.epoch(), now));
                due.add(new Due(machine.machineId(), now + ttlNanos));
            }
        }
    }

    synchronized int size() {
        return heard.size();
    }
}
