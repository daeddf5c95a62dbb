package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.state.raft.ReplicationException.NotLeader;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LogAppender;
import org.apache.ratis.server.raftlog.RaftLog;
import org.jspecify.annotations.Nullable;

/**
 * Proves that this engine still leads: after the question, a majority accepts a heartbeat of its term. What was committed
 * before the question is then below the commit index read at the question (Raft's ReadIndex, §6.4 of Ongaro's thesis).
 *
 * <p>Ratis has a ReadIndex of its own, which is not used: it remembers the highest commit index that a heartbeat
 * confirmed and answers without asking anybody as long as that index stands ({@code
 * ReadIndexHeartbeats.addAppendEntriesListener}), so a leader that was paused or cut off answers with stale state.
 *
 * <p>One round at a time; {@link RoundBatcher} sees to that. Guarded by its own lock, under which nothing is called but
 * Ratis' non-blocking getters and {@code triggerHeartbeat}.
 */
final class LeadershipConfirmation {
    /** Outcome of a round: this engine led {@code term}, and all acknowledged before the round is at or below the index. */
    record Confirmed(long term, long commitIndex) {}

    @GuardedBy("this")
    private final Map<RaftPeerId, LogAppender> appenders = new HashMap<>();

    @GuardedBy("this")
    private long appendersTerm;

    @GuardedBy("this")
    private RaftServer.@Nullable Division division;

    @GuardedBy("this")
    private @Nullable Round round;

    /** What one round waits for. */
    private static final class Round {
        final long term;
        final long commitIndex;
        final RaftPeerId self;
        final Set<RaftPeerId> current;
        final Set<RaftPeerId> previous;
        final IdentityHashMap<LogAppender, Long> firstCall = new IdentityHashMap<>();
        final Set<RaftPeerId> accepted = new HashSet<>();
        final CompletableFuture<Confirmed> result = new CompletableFuture<>();

        Round(long term, long commitIndex, RaftPeerId self, RaftConfiguration members) {
            this.term = term;
            this.commitIndex = commitIndex;
            this.self = self;
            this.current = ids(members.getCurrentPeers());
            this.previous = ids(members.getPreviousPeers());
            accepted.add(self);
        }

        boolean hasMajority() {
            return majority(current) && (previous.isEmpty() || majority(previous));
        }

        private boolean majority(Set<RaftPeerId> voters) {
            return voters.stream().filter(accepted::contains).count() > voters.size() / 2;
        }

        private static Set<RaftPeerId> ids(@Nullable Collection<RaftPeer> peers) {
            return peers == null
                    ? Set.of()
                    : peers.stream().map(RaftPeer::getId).collect(Collectors.toUnmodifiableSet());
        }
    }

    synchronized void attach(RaftServer.Division newDivision) {
        division = newDivision;
    }

    /** A leader of {@code term} starts, or restarts, to send to a follower. */
    synchronized void appenderCreated(long term, LogAppender appender) {
        if (term > appendersTerm) {
            appenders.clear();
            appendersTerm = term;
        }
        appenders.put(appender.getFollowerId(), appender);
    }

    /** Match index of each member that is sent to in {@code term}. */
    Map<String, Long> matchIndexes(long term) {
        return ofMembers(term, FollowerInfo::getMatchIndex);
    }

    /** How long ago each member last answered the leader of {@code term}, in milliseconds; without those that never did. */
    Map<String, Long> silence(long term) {
        Map<String, Long> silence = ofMembers(
                term,
                f -> f.getMatchIndex() < RaftLog.LEAST_VALID_LOG_INDEX
                        ? Long.MAX_VALUE // Ratis lets a new leader's followers begin with an answer that they never
                        // gave
                        : f.getLastRpcResponseTime().elapsedTimeMs());
        silence.values().removeIf(millis -> millis == Long.MAX_VALUE);
        return silence;
    }

    /** How long the leader of {@code term} has had no answer of each member, in milliseconds; of one that never gave any, since it was first sent to. */
    Map<String, Long> sinceAnswers(long term) {
        return ofMembers(term, f -> f.getLastRpcResponseTime().elapsedTimeMs());
    }

    private synchronized Map<String, Long> ofMembers(long term, ToLongFunction<FollowerInfo> number) {
        Map<String, Long> numbers = new HashMap<>();
        RaftServer.Division server = division;
        if (server != null && term == appendersTerm) {
            RaftConfiguration members = server.getRaftConf();
            appenders.forEach((id, appender) -> {
                if (members.getPeer(id) != null) { // others are still catching up, or were removed
                    numbers.put(id.toString(), number.applyAsLong(appender.getFollower()));
                }
            });
        }
        return numbers;
    }

    /**
     * Of the followers that answered within {@code recent} (of all, when none did) the one that is behind by least in applying the log, of several the one with
     * the longest log; null when there is none.
     *
     * @param behind by how many entries each is, 0 while it keeps up; without those that did not say
     */
    @Nullable
    String mostUpToDate(long term, Duration recent, Map<String, Long> behind) {
        Map<String, Long> silence = silence(term);
        return matchIndexes(term).entrySet().stream()
                .max(Comparator.<Map.Entry<String, Long>, Boolean>comparing(follower ->
                                silence.getOrDefault(follower.getKey(), Long.MAX_VALUE) <= recent.toMillis())
                        .thenComparingLong(follower -> -behind.getOrDefault(follower.getKey(), Long.MAX_VALUE))
                        .thenComparing(Map.Entry.comparingByValue())
                        .thenComparing(Map.Entry.comparingByKey()))
                .map(Map.Entry::getKey)
                .orElse(null);
    }

    /** Starts a round. A round still open is failed: its replies could be told from this one's no longer. */
    CompletableFuture<Confirmed> start() {
        Round started;
        synchronized (this) {
            RaftServer.Division server = division;
            if (server == null) {
                return notLeader("the engine is starting");
            }
            DivisionInfo info = server.getInfo();
            long term = info.getCurrentTerm();
            if (!info.isLeader() || !info.isLeaderReady()) {
                return notLeader("it leads no term");
            }
            // Read after the leader was seen ready: covers what earlier leaders acknowledged.
            long commitIndex = server.getRaftLog().getLastCommittedIndex();
            started = new Round(term, commitIndex, server.getId(), server.getRaftConf());
            if (round != null) {
                round.result.cancel(false);
            }
            round = started;
            if (!started.hasMajority() && appendersTerm == term) {
                for (LogAppender appender : appenders.values()) {
                    started.firstCall.put(appender, appender.getCallId());
                    appender.triggerHeartbeat();
                }
            }
        }
        finishIfConfirmed(started);
        return started.result;
    }

    /** A follower answered a heartbeat or an append of a leader of {@code term}. */
    void replied(long term, LogAppender appender, AppendEntriesReplyProto reply) {
        Round open;
        synchronized (this) {
            open = round;
            if (open == null || open.term != term || open.result.isDone()) {
                return;
            }
            Long firstCall = open.firstCall.get(appender);
            if (firstCall == null && !Objects.equals(appenders.get(appender.getFollowerId()), appender)) {
                return; // replaced before the round began: what it sent may be older
            }
            // An appender made after the round began sends nothing older than the round.
            long call = reply.getServerReply().getCallId();
            if (firstCall != null && appender.getCallIdComparator().compare(call, firstCall) < 0) {
                // This one may have swallowed the trigger: Ratis resets it when it sends what it had prepared before.
                appender.triggerHeartbeat();
                return;
            }
            AppendResult outcome = reply.getResult();
            // INCONSISTENCY accepts the leader, though not yet its entries.
            if (reply.getTerm() != term || outcome == AppendResult.NOT_LEADER || outcome == AppendResult.UNRECOGNIZED) {
                return;
            }
            open.accepted.add(appender.getFollowerId());
        }
        finishIfConfirmed(open);
    }

    /** The engine lost its leadership: an open round fails. */
    void leadershipLost() {
        Round open;
        synchronized (this) {
            open = round;
            round = null;
        }
        if (open != null) {
            open.result.completeExceptionally(new NotLeader("Engine '" + open.self + "' lost the leadership of term "
                    + open.term + " while it was being confirmed: ask the new leader."));
        }
    }

    private void finishIfConfirmed(Round open) {
        synchronized (this) {
            if (!open.hasMajority()) {
                return;
            }
            if (round == open) {
                round = null;
            }
        }
        open.result.complete(new Confirmed(open.term, open.commitIndex));
    }

    private static CompletableFuture<Confirmed> notLeader(String why) {
        return CompletableFuture.failedFuture(
                new NotLeader("This engine can't confirm a leadership: " + why + ". Ask the leader."));
    }
}
