package io.raftfleet.chaos.cluster;

import java.nio.file.Path;

/**
 * Where an engine listens, on 127.0.0.1.
 *
 * @param socket unix socket of the HTTP API
 */
public record EngineAddresses(String id, int raftPort, int grpcPort, int httpPort, Path socket) {
    static EngineAddresses free(String id, Path socket) {
        return new EngineAddresses(id, Ports.free(), Ports.free(), Ports.free(), socket);
    }

    /** As {@code --peers} wants it. */
    public String peer() {
        return id + "=" + raft() + "/" + grpc() + "/" + http();
    }

    public String raft() {
        return "127.0.0.1:" + raftPort;
    }

    public String grpc() {
        return "127.0.0.1:" + grpcPort;
    }

    public String http() {
        return "127.0.0.1:" + httpPort;
    }
}
