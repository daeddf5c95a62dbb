package io.raftfleet.state.raft;

import java.util.List;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.leader.LogAppender;
import org.apache.ratis.server.protocol.TermIndex;

/** Ratis' state of one leadership, with the followers' replies shown to their appender and to a {@link LeadershipConfirmation}. */
final class ObservedLeaderState implements LeaderState {
    private final LeaderState state;
    private final long term;
    private final LeadershipConfirmation confirmation;

    ObservedLeaderState(LeaderState state, long term, LeadershipConfirmation confirmation) {
        this.state = state;
        this.term = term;
        this.confirmation = confirmation;
    }

    @Override
    public void onAppendEntriesReply(LogAppender appender, AppendEntriesReplyProto reply) {
        state.onAppendEntriesReply(appender, reply);
        if (appender instanceof RecountingAppender own) {
            own.replied(reply);
        }
        confirmation.replied(term, appender, reply);
    }

    @Override
    public void restart(LogAppender appender) {
        state.restart(appender);
    }

    @Override
    public AppendEntriesRequestProto newAppendEntriesRequestProto(
            FollowerInfo follower, List<LogEntryProto> entries, TermIndex previous, long callId) {
        return state.newAppendEntriesRequestProto(follower, entries, previous, callId);
    }

    @Override
    public void checkHealth(FollowerInfo follower) {
        state.checkHealth(follower);
    }

    @Override
    public boolean onFollowerTerm(FollowerInfo follower, long followerTerm) {
        return state.onFollowerTerm(follower, followerTerm);
    }

    @Override
    public void onFollowerCommitIndex(FollowerInfo follower, long commitIndex) {
        state.onFollowerCommitIndex(follower, commitIndex);
    }

    @Override
    public void onFollowerSuccessAppendEntries(FollowerInfo follower) {
        state.onFollowerSuccessAppendEntries(follower);
    }

    @Override
    public boolean isFollowerBootstrapping(FollowerInfo follower) {
        return state.isFollowerBootstrapping(follower);
    }
}
