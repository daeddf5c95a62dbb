package io.raftfleet.state.raft;

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

    @Override
    public String name() {
        return getClass().getName();
    }

    @Override
    public RpcFactory newFactory(Parameters parameters) {
        return new Factory(parameters, parameters.getNonNull(CONFIRMATION, LeadershipConfirmation.class));
    }

    private static final class Factory extends GrpcFactory {
        private final LeadershipConfirmation confirmation;

        Factory(Parameters parameters, LeadershipConfirmation confirmation) {
            super(parameters);
            this.confirmation = confirmation;
        }

        @Override
        public LogAppender newLogAppender(RaftServer.Division division, LeaderState state, FollowerInfo follower) {
            long term = division.getInfo().getCurrentTerm();
            LogAppender appender =
                    super.newLogAppender(division, new ObservedLeaderState(state, term, confirmation), follower);
            confirmation.appenderCreated(term, appender);
            return appender;
        }
    }
}
