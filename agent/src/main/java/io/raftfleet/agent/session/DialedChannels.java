package io.raftfleet.agent.session;

import io.grpc.ManagedChannel;
import io.raftfleet.identity.tls.EngineDialer;
import io.raftfleet.identity.tls.TlsIdentity;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Channels by which agent and engine know each other, or in plaintext. Their threads end with {@link #close}. */
public final class DialedChannels implements ChannelFactory, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DialedChannels.class);
    private static final int MAX_MESSAGE = 16 << 20;

    private final EngineDialer dialer;

    /** @param identity who the agent is; empty for plaintext */
    public DialedChannels(Optional<TlsIdentity> identity) {
        this(new EngineDialer(identity, DialedChannels::say));
    }

    private DialedChannels(EngineDialer dialer) {
        this.dialer = dialer;
    }

    /** Channels of another machine of this process, on the same threads. */
    public DialedChannels as(TlsIdentity machine) {
        return new DialedChannels(dialer.as(machine, DialedChannels::say));
    }

    private static void say(String line) {
        log.warn("{}", line);
    }

    @Override
    public ManagedChannel open(String address) {
        return dialer.to(address)
                .directExecutor()
                .disableRetry()
                .maxInboundMessageSize(MAX_MESSAGE)
                .build();
    }

    @Override
    public void close() {
        dialer.close();
    }
}
