package io.raftfleet.engine.admission;

import io.grpc.DecompressorRegistry;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.NettySslContextServerCredentials;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.tls.ConnectionWatch;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gRPC server with limits: on connections and how they behave, here and in {@link LimitedListener}; on calls and bytes, in
 * {@link Admission}. Started and closed by one thread.
 */
public final class GrpcServer implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);

    /**
     * What a client may send of one message, or of the next, before the engine has asked for it: HTTP/2's usual 64 KiB. More
     * would be held for each stream that waits, and is not needed for speed within a data centre.
     */
    private static final int WINDOW = 65_535;
    /** The longest message of any method; {@link MethodLimit} has each method's own. */
    private static final int LONGEST_MESSAGE = 16 * 1024 * 1024;

    private static final int METADATA = 8 * 1024;
    /** All streams of the largest process of simulated machines: a session each, and as many that fetch files. */
    private static final int STREAMS = 16_384;
    /** A client that gives up this many calls within ten seconds is cut off. */
    private static final int RESETS = 20_000;

    private static final int RESETS_SECONDS = 10;
    private static final int KEEP_ALIVE_SECONDS = 60;
    private static final int KEEP_ALIVE_ANSWER_SECONDS = 20;

    private final EventLoopGroup accepting = threads("grpc-accept", 1);
    private final EventLoopGroup connections =
            threads("grpc-io", Runtime.getRuntime().availableProcessors());
    private final Server server;

    /**
     * @param tls who the engine is to its clients, whose certificates it asks for; empty for plaintext
     * @param strangers whether clients without a certificate are let in, for the calls that are theirs
     * @param executor runs calls, several at a time
     * @param interceptors see admitted calls, one after the other, before the services
     */
    public GrpcServer(
            InetSocketAddress address,
            Optional<TlsIdentity> tls,
            boolean strangers,
            AdmissionLimits limits,
            Admission admission,
            AdmissionMetrics metrics,
            Executor executor,
            List<ServerInterceptor> interceptors,
            List<ServerServiceDefinition> services) {
        var open = new LimitedListener.Open(
                limits,
                metrics,
                ConnectionWatch.accepting(
                        tls, line -> log.warn("gRPC on {}:{}: {}", address.getHostString(), address.getPort(), line)));
        ServerCredentials credentials = tls.map(own -> own.grpcServer(EnumSet.allOf(SpiffeId.Kind.class), strangers))
                .map(NettySslContextServerCredentials::create)
                .orElseGet(InsecureServerCredentials::create);
        var builder = NettyServerBuilder.forAddress(address, credentials)
                .bossEventLoopGroup(accepting)
                .workerEventLoopGroup(connections)
                .channelFactory(() -> new LimitedListener(open))
                .maxInboundMessageSize(LONGEST_MESSAGE)
                .maxInboundMetadataSize(METADATA)
                .flowControlWindow(WINDOW)
                .maxConcurrentCallsPerConnection(STREAMS)
                .maxRstFramesPerWindow(RESETS, RESETS_SECONDS)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_ANSWER_SECONDS, TimeUnit.SECONDS)
                .maxConnectionIdle(limits.idle().toMillis(), TimeUnit.MILLISECONDS)
                // A few kilobytes of gzip can be gigabytes.
                .decompressorRegistry(DecompressorRegistry.emptyInstance())
                .executor(executor)
                .handshakeTimeout(limits.firstBytes().toMillis(), TimeUnit.MILLISECONDS)
                .addStreamTracerFactory(admission.tracers());
        // The last one is the first to see a call.
        interceptors.reversed().forEach(builder::intercept);
        builder.intercept(admission);
        services.forEach(builder::addService);
        server = builder.build();
    }

    private static EventLoopGroup threads(String name, int count) {
        return new MultiThreadIoEventLoopGroup(
                count, Thread.ofPlatform().daemon().name(name, 0).factory(), NioIoHandler.newFactory());
    }

    /** @throws IOException when the address can't be listened on */
    public void start() throws IOException {
        server.start();
    }

    /** Where it listens, once started. */
    public int port() {
        return server.getPort();
    }

    /** Takes no more calls; those under way go on. */
    public void stopTaking() {
        server.shutdown();
    }

    /** Ends all calls once they had {@code drain} to end by themselves. */
    public void close(Duration drain) {
        server.shutdown();
        try {
            if (!server.awaitTermination(drain.toMillis(), TimeUnit.MILLISECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
        var unused = accepting.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        var unusedToo = connections.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        close(Duration.ZERO);
    }
}
