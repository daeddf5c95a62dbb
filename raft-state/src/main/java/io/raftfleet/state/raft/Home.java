package io.raftfleet.state.raft;

/**
 * Where an engine's Raft lives, for as long as its process does: what is opened anew on it goes on from what is there.
 *
 * @param space watched while it is written to
 */
record Home(RaftConfig config, DataDirectory directory, DiskSpace space) {}
