package io.raftfleet.engine.control;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;

/**
 * Something that waits for a decision. Lives through one or several entries: {@link #decide} until it is done, with
 * {@link #applied} after each entry that holds something of it, or {@link #undone} when that entry is in no log. All methods
 * are called by the decision thread.
 */
interface Work {
    /** Where it waits for its turn. */
    WorkQueue.Lane lane();

    /**
     * What it takes while it waits, in bytes of its message, if nobody else counts that: the requests of clients are counted where
     * they arrive. Always the same.
     */
    default int bytes() {
        return 0;
    }

    /** Whether it may wait a little for others. Always the same. */
    default Urgency urgency() {
        return Urgency.NOW;
    }

    /**
     * Decides as much as fits into the batch. What it throws is a fault of it alone: see {@link #fault}.
     *
     * @return whether nothing is left to decide in this entry
     */
    boolean decide(Batch batch, Draft draft, long nowMs);

    /** The entry with what was decided last goes out. Must be quick. */
    default void proposing() {}

    /** The entry with what was decided last has been applied. */
    void applied(ApplyResult result);

    /** What was decided last is in no log and never will be: as if it had not been decided. */
    default void undone() {}

    /**
     * Deciding it threw, or the entry that held nothing else can't be in the log. Nothing of it is. It answers for what is at
     * fault, by {@link #refusal}, and is {@link #open} no longer unless other parts of it are to be decided.
     */
    default void fault(Throwable cause) {
        refuse(refusal(cause));
    }

    /** Whether it still has something to be decided. */
    boolean open();

    /**
     * Nothing more will be decided here: the leadership is over, or the queue. What was decided last may or may not come
     * to be if {@code fateUnknown}.
     */
    void abandon(boolean fateUnknown, String reason);

    /** It was never taken up, and is not to be tried again elsewhere. */
    void refuse(RuntimeException why);

    /** What it is, for the log: with the request or the machine, and no more than a line. */
    String describe();

    /** The answer to what is at fault itself. */
    static StatusRuntimeException refusal(Throwable cause) {
        return cause instanceof Batch.TooLargeException
                ? Status.INVALID_ARGUMENT.withDescription(cause.getMessage()).asRuntimeException()
                : Status.INTERNAL
                        .withDescription("the leader failed to decide it, which is a fault of the engine: nothing was"
                                + " changed; the leader's log says why")
                        .asRuntimeException();
    }
}
