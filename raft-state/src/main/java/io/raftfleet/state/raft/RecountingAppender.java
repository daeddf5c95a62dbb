package io.raftfleet.state.raft;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.grpc.server.GrpcLogAppender;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.raftlog.RaftLogIOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a leader's log to one follower, and believes that one when it says that it lacks entries which it had acknowledged: an
 * older engine may acknowledge what it has not, a disk may lose what it has synced. Ratis' own appender would count on those
 * entries for good, and begin behind them again and again ({@code LogAppenderBase.getNextIndexForInconsistency}).
 *
 * <p>Only answers to heartbeats are looked at. To entries that it has committed a follower also answers where to go on, which
 * says nothing about its log's end.
 *
 * <p>Answers come on gRPC's threads, requests are made by the appender's own, under the lock that Ratis changes a follower's
 * next index under. {@code end} passes from the former to the latter.
 */
final class RecountingAppender extends GrpcLogAppender {
    private static final Logger LOG = LoggerFactory.getLogger(RecountingAppender.class);
    private static final long NONE = -1;

    /** One past the end of the log of a follower that contradicted itself. */
    private final AtomicLong end = new AtomicLong(NONE);

    RecountingAppender(RaftServer.Division division, LeaderState state, FollowerInfo follower) {
        super(division, state, follower);
    }

    /** The follower has answered. */
    void replied(AppendEntriesReplyProto reply) {
        long matched = getFollower().getMatchIndex();
        if (reply.getResult() == AppendResult.INCONSISTENCY
                && reply.getIsHearbeat()
                && reply.getNextIndex() <= matched) {
            LOG.error(
                    "Engine {} says that its log ends at {}, though it had acknowledged entries up to {}: it is counted anew and"
                            + " sent what it lacks. If its data directory was not restored from a copy, and it runs the same version"
                            + " as this engine {}, look for errors of its disk",
                    getFollowerId(),
                    reply.getNextIndex() - 1,
                    matched,
                    getServer().getId());
            end.set(reply.getNextIndex());
        }
    }

    @Override
    public AppendEntriesRequestProto newAppendEntriesRequest(long callId, boolean heartbeat) throws RaftLogIOException {
        long next = end.getAndSet(NONE);
        if (next != NONE) {
            FollowerInfo follower = getFollower();
            // Sets the match index, too. What the follower has committed it shares with this leader; more is not
            // certain.
            follower.setSnapshotIndex(Math.min(follower.getCommitIndex(), next - 1));
            follower.setNextIndex(next);
        }
        return super.newAppendEntriesRequest(callId, heartbeat);
    }
}
