package io.raftfleet.engine.control;

import io.raftfleet.state.raft.ReplicatedState.ApplyResult;

/**
 * Something that waits for a decision. Lives through one or several entries: {@link #decide} until it is done, with
 * {@link #applied} after each entry that holds something of it. All methods are called by the decision thread.
 */
interface Work {
    /**
     * Decides as much as fits into the batch.
     *
     * @return whether nothing is left to decide
     */
    boolean decide(Batch batch, Draft draft, long nowMs);

    /** The entry with what was decided last has been applied. */
    void applied(ApplyResult result);

    /**
     * Nothing more will be decided here: the leadership is over, or the queue. What was decided last may or may not come
     * to be if {@code fateUnknown}.
     */
    void abandon(boolean fateUnknown, String reason);

    /** It was never taken up, and is not to be tried again elsewhere. */
    void refuse(RuntimeException why);
}
