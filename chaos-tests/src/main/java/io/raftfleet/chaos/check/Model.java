package io.raftfleet.chaos.check;

import java.util.List;

/**
 * A sequential object.
 *
 * @param <S> its state, with {@code equals}
 * @param <O> an operation with its answer, or without one
 */
interface Model<S, O> {
    S initial();

    /** The states in which the operation, done in this state with this answer, may leave the object; none: impossible. */
    List<S> step(S state, O operation);
}
