package io.raftfleet.agent.session;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One channel an engine, shared by all machines of the process. Safe for use by any thread. Holds the configured engines'
 * channels and those of at most {@value #MAX_OTHERS} engines that others pointed to.
 */
public final class EngineChannels implements AutoCloseable {
    private static final int MAX_OTHERS = 16;

    private final ChannelFactory factory;
    private final List<String> configured;
    private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();

    /**
     * Channels made by {@code factory} as they are needed.
     *
     * @param configured the engines' addresses, each {@code host:port}
     */
    public EngineChannels(ChannelFactory factory, List<String> configured) {
        this.factory = factory;
        this.configured = List.copyOf(configured);
    }

    /** The configured engines' addresses. */
    public List<String> configured() {
        return configured;
    }

    /** The channel to an engine. A channel that waits before it connects again tries at once. */
    public Channel to(String address) {
        ManagedChannel channel = channels.get(address);
        if (channel == null) {
            forgetStrangers();
            channel = channels.computeIfAbsent(address, factory::open);
        }
        channel.resetConnectBackoff();
        return channel;
    }

    /** Another channel to an engine, made with the certificate of now. The caller ends it. */
    public ManagedChannel another(String address) {
        return factory.open(address);
    }

    /** Engines come and go over the years; those that are not configured may not pile up. */
    private void forgetStrangers() {
        if (channels.size() < configured.size() + MAX_OTHERS) {
            return;
        }
        channels.forEach((address, channel) -> {
            if (!configured.contains(address) && channels.remove(address, channel)) {
                channel.shutdown();
            }
        });
    }

    /** Ends all channels and the calls on them. */
    @Override
    public void close() {
        channels.values().forEach(ManagedChannel::shutdownNow);
        channels.clear();
    }
}
