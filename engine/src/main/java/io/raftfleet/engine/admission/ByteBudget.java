package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;

/**
 * Bytes of all calls in flight together. A quarter is kept for the first {@value #SMALL} bytes of each call, and what one
 * connection's calls hold beyond those is at most half: large calls leave room for small ones, and one client's large
 * calls leave room for another's. Guarded by its monitor.
 */
final class ByteBudget {
    /** Calls up to this size have room even where large ones have none left. */
    static final long SMALL = 64 * 1024;

    private final long total;

    @GuardedBy("this")
    private final Map<Object, Long> largeByConnection = new HashMap<>();

    @GuardedBy("this")
    private long used;

    ByteBudget(long total) {
        this.total = total;
    }

    /** Takes {@code more} for a call that has {@code held}; or takes nothing, and returns false. */
    synchronized boolean tryTake(Object connection, long held, long more) {
        long large = large(held + more) - large(held);
        if (large == 0) {
            if (used + more > total) {
                return false;
            }
        } else {
            long ofConnection = largeByConnection.getOrDefault(connection, 0L) + large;
            if (used + more > total - total / 4 || ofConnection > total / 2) {
                return false;
            }
            largeByConnection.put(connection, ofConnection);
        }
        used += more;
        return true;
    }

    /** Gives back {@code less} of what a call has {@code held}. */
    synchronized void giveBack(Object connection, long held, long less) {
        used -= less;
        long large = large(held) - large(held - less);
        if (large > 0) {
            largeByConnection.computeIfPresent(connection, (key, now) -> now == large ? null : now - large);
        }
    }

    synchronized long used() {
        return used;
    }

    private static long large(long held) {
        return Math.max(0, held - SMALL);
    }
}
