package io.raftfleet.state.raft;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one engine knows of its Raft group at a moment.
 *
 * @param term current term
 * @param commitIndex highest index known to be committed
 * @param appliedIndex highest index applied here
 * @param checkpointIndex index of the last durable checkpoint, 0 when there is none
 * @param peers the members
 * @param leader null when none is known
 * @param logTerm term of the last entry of this engine's log, 0 while it has none
 * @param logIndex index of that entry, 0 while there is none
 * @param matchIndex by follower id, how far its log is known to match; empty unless this engine leads
 * @param silence by follower id, how long ago it last answered, in milliseconds; empty unless this engine leads
 */
public record RaftView(
        Role role,
        long term,
        long commitIndex,
        long appliedIndex,
        long checkpointIndex,
        List<EnginePeer> peers,
        @Nullable EnginePeer leader,
        long logTerm,
        long logIndex,
        Map<String, Long> matchIndex,
        Map<String, Long> silence) {

    /** Role of an engine in its Raft group. */
    public enum Role {
        LEADER,
        FOLLOWER,
        CANDIDATE,
        LISTENER,
        CLOSED
    }
}
