package io.raftfleet.identity.tls;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettySslContextChannelCredentials;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Makes channels to engines: with TLS, by which each side knows the other, or in plaintext; and says why a connection could not
 * be used. Thread-safe. Its threads end with {@link #close}.
 */
public final class EngineDialer implements AutoCloseable {
    /** A silent connection is pinged after so long. */
    private static final Duration KEEPALIVE = Duration.ofSeconds(15);

    private static final Duration KEEPALIVE_ANSWER = Duration.ofSeconds(5);
    /** A host that does not answer is tried again after so long: it may be back. */
    private static final Duration CONNECT = Duration.ofSeconds(5);

    private final ChannelCredentials credentials;
    private final ConnectionWatch watch;
    private final EventLoopGroup threads;
    private final boolean ownsThreads;

    /**
     * Connects to nobody yet.
     *
     * @param identity who this is; empty for plaintext
     * @param say takes a line for people
     */
    public EngineDialer(Optional<TlsIdentity> identity, Consumer<String> say) {
        this(
                identity,
                say,
                new MultiThreadIoEventLoopGroup(
                        Runtime.getRuntime().availableProcessors(),
                        Thread.ofPlatform().daemon().name("engine-io-", 0).factory(),
                        NioIoHandler.newFactory()),
                true);
    }

    /** One with another certificate, on the threads of this one, with which they end. */
    public EngineDialer as(TlsIdentity other, Consumer<String> say) {
        return new EngineDialer(Optional.of(other), say, threads, false);
    }

    private EngineDialer(
            Optional<TlsIdentity> identity, Consumer<String> say, EventLoopGroup threads, boolean ownsThreads) {
        credentials = identity.<ChannelCredentials>map(
                        own -> NettySslContextChannelCredentials.create(own.grpcClient()))
                .orElseGet(InsecureChannelCredentials::create);
        watch = ConnectionWatch.dialing(identity, say);
        this.threads = threads;
        this.ownsThreads = ownsThreads;
    }

    /**
     * A channel that connects when it is first used. It notices within 20 s when nothing comes from the other end any more: a connection
     * to a host that is cut off does not break by itself, and TCP may send on it again only minutes after the host is back.
     *
     * @param address {@code host:port}
     */
    public NettyChannelBuilder to(String address) {
        return NettyChannelBuilder.forTarget("dns:///" + address, credentials)
                .keepAliveTime(KEEPALIVE.toSeconds(), TimeUnit.SECONDS)
                .keepAliveTimeout(KEEPALIVE_ANSWER.toSeconds(), TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(CONNECT.toMillis()))
                .eventLoopGroup(threads)
                .channelFactory(() -> {
                    var channel = new NioSocketChannel();
                    watch.add(channel);
                    return channel;
                });
    }

    @Override
    public void close() {
        if (ownsThreads) {
            var unused = threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }
}
