package io.raftfleet.agent.reconcile;

import java.util.TreeMap;

/**
 * Keeps starts behind the files that were ordered with them or before: units that name each other must all be in place
 * before one of them starts. A unit enters the current wave when it needs a file and leaves it when it has it, or can't have
 * it for now; a start waits for the waves up to the one in which it came up, and for no later one. Owned by the machine's
 * loop.
 */
final class Waves {
    private final TreeMap<Long, Integer> open = new TreeMap<>();
    private long current;

    /** Units that are looked at from now on are of a new wave. */
    void advance() {
        current++;
    }

    void enter(ManagedUnit unit) {
        if (unit.wave == 0) {
            unit.wave = current;
            open.merge(current, 1, Integer::sum);
        }
    }

    /** Whether the wave that the unit was in has ended with it. */
    boolean leave(ManagedUnit unit) {
        if (unit.wave == 0) {
            return false;
        }
        Integer left = open.computeIfPresent(unit.wave, (wave, units) -> units == 1 ? null : units - 1);
        unit.wave = 0;
        return left == null;
    }

    /** Whether the unit may start now. */
    boolean mayStart(ManagedUnit unit) {
        if (unit.startAfter == 0) {
            unit.startAfter = current;
        }
        return open.isEmpty() || open.firstKey() > unit.startAfter;
    }

    void started(ManagedUnit unit) {
        unit.startAfter = 0;
    }
}
