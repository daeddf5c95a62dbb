package io.raftfleet.engine.server;

import io.raftfleet.state.raft.EnginePeer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.event.Level;

/**
 * How an engine's process is to run.
 *
 * @param engineId this engine; one of {@code peers}
 * @param clusterId names the cluster for good
 * @param dataDir everything that the engine stores
 * @param http where HTTP listens
 * @param httpSocket unix socket on which HTTP listens too
 * @param grpc where clients and agents are served
 * @param peers all engines of the cluster, this one among them
 * @param bootstrap whether an empty data directory may become a member of a new cluster
 * @param agentTtl after this long without a heartbeat a machine is lost
 * @param pageSize rows a page in HTTP v1
 * @param electionMin lower bound of the election timeout
 * @param electionMax upper bound of the election timeout
 * @param verbosity what to log
 */
record EngineConfig(
        String engineId,
        UUID clusterId,
        Path dataDir,
        InetSocketAddress http,
        Optional<Path> httpSocket,
        InetSocketAddress grpc,
        List<EnginePeer> peers,
        boolean bootstrap,
        Duration agentTtl,
        int pageSize,
        Duration electionMin,
        Duration electionMax,
        Level verbosity) {

    EngineConfig {
        peers = List.copyOf(peers);
    }
}
