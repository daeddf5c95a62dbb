package io.raftfleet.engine.admission;

/**
 * How many calls of a kind may be under way at once.
 *
 * @param total on this engine
 * @param perPeer from one address; see {@link Peer}
 * @param perConnection over one connection
 */
public record CallLimit(int total, int perPeer, int perConnection) {
    /** From another engine, which passes on calls of its clients: more than one client's there, and not all. */
    int perEngine() {
        return total - Math.max(1, total / 8);
    }
}
