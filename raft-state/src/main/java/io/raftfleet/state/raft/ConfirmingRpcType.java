package io.raftfleet.state.raft;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcFactory;
import org.apache.ratis.rpc.RpcFactory;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.leader.LogAppender;

/**
 * Ratis over gRPC, with every log appender of a leader known to a {@link LeadershipConfirmation}. Public, with a public
 * constructor, because Ratis makes it by its class name.
 */
public final class ConfirmingRpcType implements RpcType {
    static final String CONFIRMATION = "raftfleet.leadership-confirmation";
    static final String VOTES = "raftfleet.durable-votes";

    @Override
    public String name() {
        return getClass().getName();
    }

    @Override
    public RpcFactory newFactory(Parameters parameters) {
        return new Factory(
                parameters,
                parameters.getNonNull(CONFIRMATION, LeadershipConfirmation.class),
                parameters.getNonNull(VOTES, DurableVotes.class));
    }

    private static final class Factory extends GrpcFactory {
        private final LeadershipConfirmation confirmation;

        private final DurableVotes votes;
        /** The term in which this engine leads, with its own vote on the disk. */
        private final AtomicLong synced = new AtomicLong(-1);

        Factory(Parameters parameters, LeadershipConfirmation confirmation, DurableVotes votes) {
            super(parameters);
            this.confirmation = confirmation;
            this.votes = votes;
        }

        @Override
        public LogAppender newLogAppender(RaftServer.Division division, LeaderState state, FollowerInfo follower) {
            long term = division.getInfo().getCurrentTerm();
            // The first of a leadership is made before the leader's first entry; later ones need no vote.
            if (synced.get() != term) {
                try {
                    votes.sync();
                } catch (IOException e) {
                    throw new UncheckedIOException("Its own vote could not be stored", e);
                }
                synced.set(term);
            }
            LogAppender appender =
                    new RecountingAppender(division, new ObservedLeaderState(state, term, confirmation), follower);
            confirmation.appenderCreated(term, appender);
            return appender;
        }
    }
}
