package io.raftfleet.agent.session;

import io.grpc.ManagedChannel;

/** Makes the channels to engines. */
@FunctionalInterface
public interface ChannelFactory {
    /**
     * A channel to one engine; connects when it is first used.
     *
     * @param address {@code host:port} of the engine's gRPC endpoint
     */
    ManagedChannel open(String address);
}
