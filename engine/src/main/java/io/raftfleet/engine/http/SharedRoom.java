package io.raftfleet.engine.http;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;

/** Room for what many hold at once, in bytes or in pieces: so much together, and less for one of them. Guarded by its monitor. */
final class SharedRoom {
    private final long total;
    private final long mostOfOne;

    @GuardedBy("this")
    private final Map<String, Long> held = new HashMap<>();

    @GuardedBy("this")
    private long used;

    SharedRoom(long total, long mostOfOne) {
        this.total = total;
        this.mostOfOne = mostOfOne;
    }

    /** False, and nothing taken, when that much is not left, or not for this one. */
    synchronized boolean tryTake(String who, long amount) {
        if (used + amount > total || held.getOrDefault(who, 0L) + amount > mostOfOne) {
            return false;
        }
        if (amount > 0) {
            used += amount;
            held.merge(who, amount, Long::sum);
        }
        return true;
    }

    synchronized void giveBack(String who, long amount) {
        used -= amount;
        held.computeIfPresent(who, (key, now) -> now == amount ? null : now - amount);
    }

    synchronized long used() {
        return used;
    }
}
