package io.raftfleet.state.raft;

/**
 * What an engine's Raft node keeps on its disk.
 *
 * @param log bytes of the log's files, as long as they are, including what is allocated ahead
 * @param checkpoint bytes of the newest checkpoint, which shares most with the one before
 */
public record DiskUsage(long log, long checkpoint) {}
