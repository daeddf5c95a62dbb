package io.raftfleet.state.raft;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.grpc.server.GrpcLogAppender;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.raftlog.RaftLogIOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a leader's log to one follower, and does two things that Ratis' own appender does not.
 *
 * <p>Entries whose answers were lost with their stream are sent again. Ratis goes on behind them ({@code
 * GrpcLogAppender.resetClient}, without a request): a follower that has them answers heartbeats with success, which count nothing,
 * and if no entry follows, these are never counted. Where its word makes the majority, they are never committed. An answer that is
 * being taken up looks the same for a moment: Ratis first forgets the request, then counts what it was for. So only what stays is gone back
 * over, and a request that an answer changes while it is made is made later.
 *
 * <p>A follower is believed when it says that it lacks entries which it had acknowledged: an older engine may acknowledge what it has
 * not, a disk may lose what it has synced. Ratis would count on those entries for good, and begin behind them again and again ({@code
 * LogAppenderBase.getNextIndexForInconsistency}). Only answers to heartbeats are looked at. To entries that it has committed a follower also answers where to go on, which
 * says nothing about its log's end. And only to those that were made when the follower was counted as far already: an answer may
 * come late, behind one that counts more, or behind a checkpoint.
 *
 * <p>Answers come on gRPC's threads and raise a follower's indexes under no lock; requests are made by the appender's own. {@code end}
 * passes from the former to the latter, {@code counted} the other way.
 */
final class RecountingAppender extends GrpcLogAppender {
    private static final Logger LOG = LoggerFactory.getLogger(RecountingAppender.class);
    private static final long NONE = -1;
    /** Entries that nobody answers, with no request under way, for so long: no answer is being taken up. */
    private static final long LOST_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** One past the end of the log of a follower that contradicted itself. */
    private final AtomicLong end = new AtomicLong(NONE);

    private volatile Counted counted = new Counted(0, NONE);
    /** What the follower has committed, as it said last. */
    private volatile long committed = NONE;
    /** The lowest index that was to be sent next: all that the follower acknowledges to this leader is from there on. The appender's own. */
    private long first = Long.MAX_VALUE;
    /** What was unanswered with no request under way, at the last look; null for nothing. The appender's own. */
    private @Nullable Gap gap;

    /** The match index at the last request, and the first request that was made with it. */
    private record Counted(long call, long matched) {}

    /** Entries from {@code from} up to before {@code next}, and when they were first found unanswered. */
    private record Gap(long from, long next, long since) {}

    RecountingAppender(RaftServer.Division division, LeaderState state, FollowerInfo follower) {
        super(division, state, follower);
    }

    /** The follower has answered. */
    void replied(AppendEntriesReplyProto reply) {
        Counted before = counted;
        committed = reply.getFollowerCommit();
        if (reply.getResult() == AppendResult.INCONSISTENCY
                && reply.getIsHearbeat()
                && reply.getServerReply().getCallId() >= before.call()
                && reply.getNextIndex() <= before.matched()
                && end.getAndSet(reply.getNextIndex()) == NONE) {
            LOG.error(
                    "Engine {} says that its log ends at {}, though it had acknowledged entries up to {}: it is counted anew and"
                            + " sent what it lacks. If its data directory was not restored from a copy, and it runs the same version"
                            + " as this engine {}, look for errors of its disk",
                    getFollowerId(),
                    reply.getNextIndex() - 1,
                    before.matched(),
                    getServer().getId());
        }
    }

    @Override
    public @Nullable AppendEntriesRequestProto newAppendEntriesRequest(long callId, boolean heartbeat)
            throws RaftLogIOException {
        FollowerInfo follower = getFollower();
        long next = end.getAndSet(NONE);
        if (next != NONE) {
            // Sets the match index, too. What the follower has committed it shares with this leader; more is not
            // certain.
            follower.setSnapshotIndex(Math.min(follower.getCommitIndex(), next - 1));
            follower.setNextIndex(next);
        }
        first = Math.min(first, follower.getNextIndex());
        goBackOverLostAnswers(follower);
        if (follower.getMatchIndex() != counted.matched()) {
            counted = new Counted(callId, follower.getMatchIndex());
        }
        long begin = follower.getNextIndex();
        try {
            return super.newAppendEntriesRequest(callId, heartbeat);
        } catch (IllegalStateException changed) {
            if (follower.getNextIndex() == begin) {
                throw changed;
            }
            return null; // An answer came in between.
        }
    }

    private void goBackOverLostAnswers(FollowerInfo follower) {
        long unanswered = Math.max(first, follower.getMatchIndex() + 1);
        long next = follower.getNextIndex();
        if (next <= unanswered || hasPendingDataRequests()) {
            gap = null;
            return;
        }
        Gap before = gap;
        long now = System.nanoTime();
        if (before == null || before.from() != unanswered || before.next() != next) {
            gap = new Gap(unanswered, next, now);
        } else if (now - before.since() >= LOST_NANOS) {
            gap = null;
            // It does not take again what it has committed, and shares that with this leader.
            long shared = Math.min(committed, next - 1);
            var unused = follower.updateMatchIndex(shared);
            follower.setNextIndex(Math.max(unanswered, shared + 1));
        }
    }
}
