package io.raftfleet.chaos.cluster;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.raftfleet.client.Endpoint;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.cluster.StatusResponse;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** One engine: a process, its addresses and its data directory, which are the same at each of its starts. */
public final class EngineNode {
    /** Enough for messages that an engine is to refuse for their size. */
    private static final int MAX_MESSAGE = 64 << 20;

    private final EngineAddresses addresses;
    private final Path dataDir;
    private final Daemon daemon;
    private final ManagedChannel channel;

    EngineNode(EngineAddresses addresses, Path dataDir, Daemon daemon, ChannelCredentials credentials) {
        this.addresses = addresses;
        this.dataDir = dataDir;
        this.daemon = daemon;
        this.channel = Grpc.newChannelBuilder(addresses.grpc(), credentials)
                .keepAliveTime(10, TimeUnit.SECONDS) // of a host that was cut off meanwhile
                .keepAliveTimeout(2, TimeUnit.SECONDS)
                .maxInboundMessageSize(MAX_MESSAGE)
                .build();
    }

    public String id() {
        return addresses.id();
    }

    public EngineAddresses addresses() {
        return addresses;
    }

    public Path dataDir() {
        return dataDir;
    }

    public Daemon daemon() {
        return daemon;
    }

    public Endpoint endpoint() {
        return new Endpoint(addresses.host(), addresses.grpcPort());
    }

    /** Base of its HTTP API, without a slash at the end. */
    public URI http() {
        return URI.create("http://" + addresses.http());
    }

    /** For calls that the client library would not make. Connects anew at once after the engine was away. */
    public ManagedChannel channel() {
        channel.resetConnectBackoff();
        return channel;
    }

    /** What it says of itself and the cluster. */
    public StatusResponse status(Duration limit) {
        return ClusterGrpc.newBlockingStub(channel())
                .withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS)
                .status(StatusRequest.getDefaultInstance());
    }

    /** Whether it says that it leads; false when it doesn't answer in time. */
    public boolean saysItLeads(Duration limit) {
        try {
            return daemon.running() && status(limit).getSelf().getRole() == EngineRole.ENGINE_ROLE_LEADER;
        } catch (StatusRuntimeException e) {
            return false;
        }
    }

    public void start() {
        daemon.start();
    }

    /** SIGTERM, and waits for its end. */
    public void stop(Duration limit) {
        daemon.stop(limit);
    }

    /** SIGKILL, and waits until it is gone. */
    public void kill() {
        daemon.killed();
    }

    void close() {
        channel.shutdownNow();
    }

    @Override
    public String toString() {
        return id();
    }
}
