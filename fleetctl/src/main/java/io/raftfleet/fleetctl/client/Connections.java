package io.raftfleet.fleetctl.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.ChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettySslContextChannelCredentials;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.tls.TlsIdentity;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * One channel an endpoint, made when first used, and which endpoint to use next. All channels share one I/O thread, on which
 * callbacks run too, so callbacks must not block. Creation and closing are guarded by this object's monitor; reads need none.
 */
final class Connections implements AutoCloseable {
    /** Bounds a page of answers: the longest unit file is 256 KiB, a page with contents has at most 100. */
    private static final int MAX_MESSAGE = 64 << 20;

    /** While calls are under way an engine that says nothing is pinged after so long, and is gone when it does not answer for as long. */
    private static final Duration KEEPALIVE = Duration.ofSeconds(2);

    private final List<Endpoint> endpoints;
    private final ClientOptions options;
    private final AtomicReferenceArray<ManagedChannel> channels;
    private final AtomicInteger preferred = new AtomicInteger();

    @GuardedBy("this")
    private @Nullable EventLoopGroup loop;

    @GuardedBy("this")
    private @Nullable SslContext tls;

    @GuardedBy("this")
    private boolean closed;

    Connections(ClientOptions options) {
        this.options = options;
        this.endpoints = options.endpoints();
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
        @Nullable EventLoopGroup running;
        synchronized (this) {
            running = closed ? null : loop;
        }
        if (running != null) {
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
        ChannelCredentials credentials = credentials(endpoint);
        NettyChannelBuilder builder = endpoint.isLiteral()
                ? NettyChannelBuilder.forAddress(endpoint.address(), credentials)
                : NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port(), credentials);
        if (endpoint.localPort() != 0) {
            builder.overrideAuthority(endpoint.toString());
        }
        ManagedChannel channel = builder.eventLoopGroup(loop)
                .channelType(NioSocketChannel.class)
                .directExecutor()
                .keepAliveTime(KEEPALIVE.toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTimeout(KEEPALIVE.toMillis(), TimeUnit.MILLISECONDS)
                .disableRetry()
                .disableServiceConfigLookUp()
                .maxInboundMessageSize(MAX_MESSAGE)
                .build();
        channels.set(index, channel);
        return channel;
    }

    @GuardedBy("this")
    private ChannelCredentials credentials(Endpoint endpoint) {
        TlsFiles files = options.tls();
        if (files == null) {
            if (endpoint.tls()) {
                throw new IllegalArgumentException("https://" + endpoint
                        + " takes --ca-file, --cert-file and --key-file: an engine wants to know who calls");
            }
            return InsecureChannelCredentials.create();
        }
        SslContext context = tls;
        if (context == null) {
            try {
                context = TlsIdentity.open(files, options.clock()).grpcClient();
            } catch (CredentialsException e) {
                throw new IllegalArgumentException(e.getMessage(), e);
            }
            tls = context;
        }
        return NettySslContextChannelCredentials.create(context);
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
        EventLoopGroup running = loop;
        if (running != null) {
            running.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1, TimeUnit.SECONDS);
        }
    }
}
