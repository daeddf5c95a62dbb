package io.raftfleet.agent.session;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;

/** Channels without encryption, for engines on the same host. */
public final class PlaintextChannels implements ChannelFactory {
    private static final int MAX_MESSAGE = 16 << 20;

    @Override
    public ManagedChannel open(String address) {
        return NettyChannelBuilder.forTarget("dns:///" + address)
                .usePlaintext()
                .directExecutor()
                .disableRetry()
                .maxInboundMessageSize(MAX_MESSAGE)
                .build();
    }
}
