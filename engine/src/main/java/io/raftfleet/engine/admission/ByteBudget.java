package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;

/**
 * Bytes of all calls in flight together. One connection's calls hold at most half, whatever the size of each, those from one address five
 * eighths, those that another engine passes on seven eighths; and the last quarter is for the first {@value #SMALL} bytes of each call. So one
 * client's calls leave room for another's, of its own host too, and large calls leave room for small ones. Guarded by its monitor.
 */
final class ByteBudget {
    /** Calls up to this size have room even where large ones have none left. */
    static final long SMALL = 64 * 1024;

    private final long total;

    @GuardedBy("this")
    private final Map<Object, Long> byConnection = new HashMap<>();

    @GuardedBy("this")
    private final Map<String, Long> byPeer = new HashMap<>();

    @GuardedBy("this")
    private long used;

    ByteBudget(long total) {
        this.total = total;
    }

    /** Takes {@code more} for a call that has {@code held}; or takes nothing, and returns false. */
    synchronized boolean tryTake(Peer peer, long held, long more) {
        long ofConnection = byConnection.getOrDefault(peer.connection(), 0L) + more;
        long ofPeer = byPeer.getOrDefault(peer.name(), 0L) + more;
        boolean crowded = used + more > total - total / 4;
        // As with calls: what a busy address holds leaves each of its connections a little, but not what is kept for
        // other addresses.
        boolean first = ofConnection <= SMALL && !crowded;
        long mostOfConnection = peer.engine() ? total / 8 * 7 : total / 2;
        long mostOfPeer = peer.engine() ? total / 8 * 7 : total / 8 * 5;
        if (used + more > total
                || (crowded && held + more > SMALL)
                || ofConnection > mostOfConnection
                || (!first && ofPeer > mostOfPeer)) {
            return false;
        }
        take(peer, more);
        return true;
    }

    /** Takes {@code more} whether there is room or not: what is refused then is what others want. */
    synchronized void take(Peer peer, long more) {
        used += more;
        byConnection.merge(peer.connection(), more, Long::sum);
        byPeer.merge(peer.name(), more, Long::sum);
    }

    synchronized void giveBack(Peer peer, long less) {
        used -= less;
        byConnection.computeIfPresent(peer.connection(), (key, now) -> now == less ? null : now - less);
        byPeer.computeIfPresent(peer.name(), (key, now) -> now == less ? null : now - less);
    }

    synchronized long used() {
        return used;
    }
}
