package io.raftfleet.engine.admission;

/**
 * How many calls of a kind may be under way at once.
 *
 * @param total on this engine
 * @param perPeer from one address; see {@link Peer}
 * @param perConnection over one connection
 */
public record CallLimit(int total, int perPeer, int perConnection) {}
