package io.raftfleet.state.raft;

/**
 * Told of changes of leadership, in order, on one thread of the node's. A method that blocks delays the later ones.
 */
public interface RaftListener {
    /**
     * This engine leads {@code term}, has applied everything that earlier leaders committed, and takes proposals. It may
     * have lost the leadership again by the time of the call; then {@link #leaderStopped} follows.
     */
    default void leaderStarted(long term) {}

    /** This engine no longer leads {@code term}. Called only for a term that was announced as started. */
    default void leaderStopped(long term) {}

    /** Another engine, or this one, leads now. */
    default void leaderChanged(EnginePeer leader) {}

    /** The node has stopped itself because going on could harm the registry. It must be closed; its process should end. */
    default void failed(Throwable cause) {}
}
