package io.raftfleet.engine.server;

import io.raftfleet.engine.control.Controller;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.EngineClocks;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** The log of an engine's Raft group. */
record RaftProposer(RaftNode raft) implements Controller.Proposer {
    @Override
    public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
        return raft.propose(entry, deadline);
    }

    @Override
    public int agreedFormat() {
        return raft.agreedFormat();
    }

    @Override
    public EngineClocks clocks() {
        return raft.clocks();
    }
}
