package io.raftfleet.state.raft;

import io.raftfleet.state.raft.ReplicatedState.ApplyResult;

/** What goes on as entries are applied: who waits for them, what was proposed, digests to compare, checkpoints. */
record Progress(AppliedIndex applied, Proposals proposals, Divergence divergence, Checkpoints checkpoints) {
    /**
     * An entry of the registry's was applied.
     *
     * @param bytes of it in the log
     */
    void entryApplied(long term, long index, int bytes, int format, ApplyResult result) {
        checkpoints.applied(format);
        applied.advance(index);
        proposals.applied(term, result);
        divergence.applied(index);
        checkpoints.applied(term, index, bytes);
    }

    /** An entry of Raft's own was. */
    void entryPassed(long index) {
        applied.advance(index);
        proposals.passed(index);
    }
}
