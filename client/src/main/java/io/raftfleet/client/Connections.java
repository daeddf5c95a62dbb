package io.raftfleet.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettySslContextChannelCredentials;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.PreferHeapByteBufAllocator;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.tls.TlsFailure;
import io.raftfleet.identity.tls.TlsIdentity;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * One channel an endpoint, by way of a {@link Gateway} where that is reached by HTTP, made when first used, and which endpoint to use next. All channels share one I/O thread, on which
 * callbacks run too, so callbacks must not block. Creation and closing are guarded by this object's monitor; reads need none.
 */
final class Connections implements AutoCloseable {
    /** Bounds a page of answers: the longest unit file is 256 KiB, a page with contents has at most 100. */
    private static final int MAX_MESSAGE = 64 << 20;

    /**
     * While calls are under way an engine that says nothing is pinged after so long, the least that grpc-java takes, and is gone when it
     * does not answer that. Where there is another engine to ask, {@link Pulse} notices sooner.
     */
    private static final Duration KEEPALIVE = Duration.ofSeconds(10);

    private static final Duration KEEPALIVE_ANSWER = Duration.ofSeconds(2);

    private final List<Endpoint> endpoints;
    private final ClientOptions options;
    private final AtomicReferenceArray<ManagedChannel> channels;
    private final AtomicInteger preferred = new AtomicInteger();

    private volatile @Nullable EventLoopGroup loop;

    @GuardedBy("this")
    private @Nullable TlsIdentity identity;

    /** Whether that was found to fit together. */
    @GuardedBy("this")
    private boolean proven;

    @GuardedBy("this")
    private final List<Gateway> gateways = new ArrayList<>();

    private volatile boolean closed;

    Connections(ClientOptions options) {
        this.options = options;
        this.endpoints = options.endpoints();
        for (Endpoint endpoint : endpoints) {
            if (endpoint.kind() != Endpoint.Kind.GRPC && options.gateways() == null) {
                throw new IllegalArgumentException(endpoint
                        + " can't be used: this client speaks gRPC alone, give an engine's gRPC address as host:port");
            }
        }
        this.channels = new AtomicReferenceArray<>(endpoints.size());
    }

    int size() {
        return endpoints.size();
    }

    Endpoint endpoint(int index) {
        return endpoints.get(index);
    }

    /** The endpoint that answered last; the first one at the start. */
    int preferred() {
        return preferred.get();
    }

    void prefer(int index) {
        preferred.set(index);
    }

    /** The index after this one, around the list. */
    int after(int index) {
        return index + 1 == endpoints.size() ? 0 : index + 1;
    }

    ManagedChannel channel(int index) {
        @Nullable ManagedChannel channel = channels.get(index);
        return channel == null ? open(index) : channel;
    }

    /** Makes the next call on this channel connect at once, whatever its own back-off says: ours has waited already. */
    void connectAtOnce(int index) {
        @Nullable ManagedChannel channel = channels.get(index);
        if (channel != null) {
            channel.resetConnectBackoff();
        }
    }

    /** The same for all. */
    void connectAllAtOnce() {
        for (int index = 0; index < size(); index++) {
            connectAtOnce(index);
        }
    }

    /** Whether a call there would go out at once. */
    boolean connected(int index) {
        return channel(index).getState(false) == ConnectivityState.READY;
    }

    /** Runs {@code task} on the I/O thread, unless the client is closed meanwhile. There must be a channel already. */
    void later(Duration delay, Runnable task) {
        @Nullable EventLoopGroup running = loop;
        if (running != null && !closed) {
            var unused = running.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private synchronized ManagedChannel open(int index) {
        if (closed) {
            throw new IllegalStateException("the client is closed");
        }
        @Nullable ManagedChannel present = channels.get(index);
        if (present != null) {
            return present;
        }
        if (loop == null) {
            loop = new MultiThreadIoEventLoopGroup(
                    1, Thread.ofPlatform().daemon().name("fleet-client").factory(), NioIoHandler.newFactory());
        }
        Endpoint endpoint = endpoints.get(index);
        ManagedChannel channel = endpoint.kind() == Endpoint.Kind.GRPC ? grpc(endpoint, loop) : http(endpoint);
        channels.set(index, channel);
        return channel;
    }

    @GuardedBy("this")
    private ManagedChannel grpc(Endpoint endpoint, EventLoopGroup running) {
        ChannelCredentials credentials = credentials();
        NettyChannelBuilder builder = endpoint.isLiteral()
                ? NettyChannelBuilder.forAddress(endpoint.address(), credentials)
                : NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port(), credentials);
        if (endpoint.localPort() != 0) {
            builder.overrideAuthority(endpoint.toString());
        }
        var pulse = new Pulse(this::later);
        if (endpoints.size() > 1) {
            builder.intercept(pulse);
        }
        builder.intercept(options.interceptors());
        if (!ByteBufAllocator.DEFAULT.isDirectBufferPooled()) {
            // Netty would read into memory off the heap all the same, 64 KiB a time, which only the collector gives
            // back.
            builder.withOption(ChannelOption.ALLOCATOR, new PreferHeapByteBufAllocator(ByteBufAllocator.DEFAULT));
        }
        ManagedChannel channel = builder.eventLoopGroup(running)
                .channelFactory(() -> pulse.hearing(new NioSocketChannel()))
                .directExecutor()
                .keepAliveTime(KEEPALIVE.toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTimeout(KEEPALIVE_ANSWER.toMillis(), TimeUnit.MILLISECONDS)
                .disableRetry()
                .disableServiceConfigLookUp()
                .maxInboundMessageSize(MAX_MESSAGE)
                .build();
        pulse.of(channel);
        return channel;
    }

    @GuardedBy("this")
    private ManagedChannel http(Endpoint endpoint) {
        Gateway.Opener opener = options.gateways();
        if (opener == null) {
            throw new IllegalArgumentException(endpoint + " is not for gRPC");
        }
        // As with gRPC an attempt has half of the time while there are others to ask.
        Duration timeout = size() == 1
                ? options.requestTimeout()
                : options.requestTimeout().dividedBy(2);
        Gateway gateway =
                opener.open(endpoint, endpoint.kind() == Endpoint.Kind.HTTPS ? sockets(endpoint) : null, timeout);
        gateways.add(gateway);
        return gateway.channel();
    }

    @GuardedBy("this")
    private SSLSocketFactory sockets(Endpoint endpoint) {
        TlsIdentity known = identity();
        if (known == null) {
            throw new FleetClientException(
                    Status.Code.FAILED_PRECONDITION,
                    endpoint + " takes --ca-file, --cert-file and --key-file: an engine wants to know who calls",
                    null);
        }
        try {
            var context = SSLContext.getInstance(TlsIdentity.PROTOCOL);
            context.init(
                    new KeyManager[] {known.keyManager()},
                    new TrustManager[] {known.trust(Set.of(SpiffeId.Kind.ENGINE))},
                    null);
            return context.getSocketFactory();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @GuardedBy("this")
    private ChannelCredentials credentials() {
        TlsIdentity known = identity();
        return known == null
                ? InsecureChannelCredentials.create()
                : NettySslContextChannelCredentials.create(known.grpcClient());
    }

    /** Who the user is; null for plaintext. */
    @GuardedBy("this")
    private @Nullable TlsIdentity identity() {
        TlsFiles files = options.tls();
        if (identity == null && files != null) {
            try {
                identity = TlsIdentity.openUnproven(files, options.clock());
            } catch (CredentialsException e) {
                throw unusable(e);
            }
        }
        return identity;
    }

    /** Who the user is, as far as the files were read; empty for plaintext. */
    synchronized Optional<Identity> self() {
        return identity == null ? Optional.empty() : Optional.of(identity.self());
    }

    /**
     * Whether a call failed because what the user shows does not fit together: looked at when TLS has failed, once, since it takes as
     * long as the handshake itself.
     *
     * @return what is wrong with it; null when that is not why
     */
    synchronized @Nullable FleetClientException ownFault(Status failure) {
        TlsIdentity known = identity;
        if (known == null || proven || !TlsFailure.is(failure.getCause())) {
            return null;
        }
        try {
            known.prove();
            proven = true;
            return null;
        } catch (CredentialsException e) {
            return unusable(e);
        }
    }

    private static FleetClientException unusable(CredentialsException e) {
        return new FleetClientException(Status.Code.FAILED_PRECONDITION, String.valueOf(e.getMessage()), e);
    }

    /** Ends all calls and connections; waits for at most a second. */
    @Override
    public synchronized void close() {
        closed = true;
        for (int i = 0; i < channels.length(); i++) {
            @Nullable ManagedChannel channel = channels.get(i);
            if (channel != null) {
                channel.shutdownNow();
            }
        }
        gateways.forEach(Gateway::close);
        EventLoopGroup running = loop;
        if (running != null) {
            running.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1, TimeUnit.SECONDS);
        }
    }
}
