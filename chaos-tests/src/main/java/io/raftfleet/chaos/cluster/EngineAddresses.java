package io.raftfleet.chaos.cluster;

import java.nio.file.Path;

/**
 * Where an engine listens.
 *
 * @param host its address
 * @param socket unix socket of the HTTP API
 */
public record EngineAddresses(String id, String host, int raftPort, int grpcPort, int httpPort, Path socket) {
    private static final String LOOPBACK = "127.0.0.1";

    /** On 127.0.0.1. */
    public EngineAddresses(String id, int raftPort, int grpcPort, int httpPort, Path socket) {
        this(id, LOOPBACK, raftPort, grpcPort, httpPort, socket);
    }

    static EngineAddresses free(String id, String host, Path socket) {
        return new EngineAddresses(id, host, Ports.free(), Ports.free(), Ports.free(), socket);
    }

    boolean isLoopback() {
        return host.equals(LOOPBACK);
    }

    /** As {@code --peers} wants it. */
    public String peer() {
        return id + "=" + raft() + "/" + grpc() + "/" + http();
    }

    public String raft() {
        return host + ":" + raftPort;
    }

    public String grpc() {
        return host + ":" + grpcPort;
    }

    public String http() {
        return host + ":" + httpPort;
    }
}
