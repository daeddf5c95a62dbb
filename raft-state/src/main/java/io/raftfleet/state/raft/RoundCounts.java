package io.raftfleet.state.raft;

/** How many rounds to the quorum a node has made since its start, for reads and for confirmations of leadership. */
public record RoundCounts(long reads, long confirmations) {}
