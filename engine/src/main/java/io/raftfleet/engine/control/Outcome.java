package io.raftfleet.engine.control;

import io.raftfleet.state.raft.ReplicatedState.ApplyResult;

/** What became of a proposed entry. */
sealed interface Outcome {
    /** It is committed, and has been applied here. */
    record Applied(ApplyResult result) implements Outcome {}

    /** It is in no log and never will be, and would not be if it were proposed again: too large, or badly made. */
    record AtFault(RuntimeException cause) implements Outcome {}

    /** It is in no log and never will be, for reasons that lie not in it. */
    record NotWritten(String why) implements Outcome {}

    /** It may or may not be committed, or may yet be. */
    record Unknown(String why) implements Outcome {}
}
