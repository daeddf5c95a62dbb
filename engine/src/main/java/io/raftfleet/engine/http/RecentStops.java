package io.raftfleet.engine.http;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Units that were launched until just now and were told over the v1 API to be loaded: for {@link #SHOWN} after the answer that API
 * goes on to show them as launched. fleetctl 1.0 needs that: its {@code restart} sets "loaded", and then waits, looking every 250 ms,
 * until the unit is "launched" before it sets "launched" again; fleet's own agents were never faster than its first look.
 *
 * <p>At most {@value #MOST} are remembered, the latest. Guarded by its own lock.
 */
final class RecentStops {
    /** Longer than that client's pause with some time for the way, and short enough for its {@code stop} to see the end next time. */
    static final Duration SHOWN = Duration.ofMillis(400);

    private static final int MOST = 10_000;

    private final LongSupplier nanoClock;

    @GuardedBy("this")
    private final Map<String, Long> until = new LinkedHashMap<>();

    /** @param nanoClock as {@link System#nanoTime}, which no change of the machine's time moves */
    RecentStops(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /** A launched unit has just been told to be loaded. */
    synchronized void add(String unit) {
        until.remove(unit);
        until.put(unit, nanoClock.getAsLong() + SHOWN.toNanos());
        Iterator<Long> oldest = until.values().iterator();
        while (!isAhead(oldest.next()) || until.size() > MOST) {
            oldest.remove();
        }
    }

    /** Whether a unit that is loaded is to be shown as launched still. */
    synchronized boolean isRecent(String unit) {
        @Nullable Long end = until.get(unit);
        return end != null && isAhead(end);
    }

    private boolean isAhead(long nanos) {
        return nanos - nanoClock.getAsLong() > 0;
    }
}
