package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts the calls of one kind that are under way. Over the connection of another engine come those of its clients, each limited there: it may have
 * seven eighths of all. Guarded by its monitor.
 */
final class Tally {
    /**
     * A connection's first calls do not count against its address: one busy client leaves its neighbours on the host some. At most so many, and
     * a quarter of what a connection may have; and only while a quarter of all is free, which is for other addresses.
     */
    private static final int FIRST = 8;

    private final CallLimit limit;

    @GuardedBy("this")
    private final Map<String, Integer> byPeer = new HashMap<>();

    @GuardedBy("this")
    private final Map<Object, Integer> byConnection = new HashMap<>();

    @GuardedBy("this")
    private int total;

    Tally(CallLimit limit) {
        this.limit = limit;
    }

    /** Counts one more; or counts nothing, and tells which limit is reached. */
    @Nullable
    synchronized String tryTake(Peer peer) {
        int ofConnection = byConnection.getOrDefault(peer.connection(), 0);
        int perConnection = peer.engine() ? limit.perEngine() : limit.perConnection();
        int perPeer = peer.engine() ? limit.perEngine() : limit.perPeer();
        if (ofConnection >= perConnection) {
            return perConnection + " over one connection";
        }
        boolean first = ofConnection < Math.min(FIRST, perConnection / 4) && total < limit.total() / 4 * 3;
        if (!first && byPeer.getOrDefault(peer.name(), 0) >= perPeer) {
            return perPeer + " from one address";
        }
        if (total >= limit.total()) {
            return limit.total() + " on this engine";
        }
        total++;
        byConnection.merge(peer.connection(), 1, Integer::sum);
        byPeer.merge(peer.name(), 1, Integer::sum);
        return null;
    }

    synchronized void giveBack(Peer peer) {
        total--;
        byConnection.computeIfPresent(peer.connection(), (key, count) -> count == 1 ? null : count - 1);
        byPeer.computeIfPresent(peer.name(), (key, count) -> count == 1 ? null : count - 1);
    }

    synchronized int underWay() {
        return total;
    }
}
