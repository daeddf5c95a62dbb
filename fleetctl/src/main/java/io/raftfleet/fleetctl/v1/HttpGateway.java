package io.raftfleet.fleetctl.v1;

import io.grpc.BindableService;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.raftfleet.client.Endpoint;
import io.raftfleet.client.Gateway;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** A channel to an engine that is reached by HTTP: calls are carried out in this process, by {@link HttpFleet}. */
public final class HttpGateway implements Gateway {
    /** What to do about what HTTP can't do. */
    static final String GRPC = "give an engine's gRPC address as --endpoint HOST:PORT";

    private final ExecutorService threads =
            Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("v1-", 0).factory());
    private final Server server;
    private final ManagedChannel channel;

    private HttpGateway(HttpWire wire, Duration timeout) {
        String name = InProcessServerBuilder.generateName();
        List<BindableService> others =
                List.of(new ClusterGrpc.ClusterImplBase() {}, new AccessGrpc.AccessImplBase() {});
        try {
            server = InProcessServerBuilder.forName(name)
                    .executor(threads)
                    .addService(new HttpFleet(new V1Api(wire, timeout)))
                    .addServices(
                            others.stream().map(BindableService::bindService).toList())
                    .intercept(new PlainWords())
                    .build()
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        channel = InProcessChannelBuilder.forName(name)
                .directExecutor()
                .propagateCauseWithStatus(true)
                .build();
    }

    /**
     * To an endpoint of fleet's HTTP API v1.
     *
     * @param endpoint of a kind other than gRPC
     * @param tls null for plaintext
     * @param timeout of one request
     */
    public static HttpGateway open(Endpoint endpoint, @Nullable SSLSocketFactory tls, Duration timeout) {
        return new HttpGateway(
                endpoint.kind() == Endpoint.Kind.UNIX && endpoint.localPort() == 0
                        ? HttpWire.unix(Path.of(endpoint.host()))
                        : HttpWire.tcp(endpoint.authority(), endpoint.address(), tls),
                timeout);
    }

    @Override
    public ManagedChannel channel() {
        return channel;
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
        threads.shutdownNow();
    }

    /** What is not implemented is told by what to do instead. */
    private static final class PlainWords implements ServerInterceptor {
        @Override
        public <Q, R> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
            return next.startCall(
                    new SimpleForwardingServerCall<>(call) {
                        @Override
                        public void close(Status status, Metadata trailers) {
                            super.close(
                                    status.getCode() == Status.Code.UNIMPLEMENTED
                                            ? Status.UNIMPLEMENTED.withDescription("fleet's HTTP API has nothing like "
                                                    + method + ", this command needs gRPC: " + GRPC)
                                            : status,
                                    trailers);
                        }
                    },
                    headers);
        }
    }
}
