package io.raftfleet.engine.server;

import ch.qos.logback.classic.Level;
import com.google.common.net.HostAndPort;
import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.settings.log.LogFormat;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.traces.TraceSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How an engine's process is to run.
 *
 * @param engineId this engine; one of {@code peers}
 * @param clusterId names the cluster for good
 * @param dataDir everything that the engine stores
 * @param http where HTTP listens
 * @param httpNames names by which HTTP may be asked for in plaintext, beside addresses and those of {@code peers}
 * @param httpSocket unix socket on which HTTP listens too
 * @param grpc where clients and agents are served
 * @param peers this engine, and others of its cluster; who the members are counts for {@code bootstrap} alone
 * @param bootstrap whether an empty data directory may become a member of a new cluster
 * @param join whether an engine with an empty data directory waits to be added to the cluster of its peers
 * @param etcd the etcd that is to mirror the registry; empty for none
 * @param restore whether an empty cluster begins with what that etcd holds
 * @param backup the file that an empty cluster begins with; empty for none
 * @param agentTtl after this long without a heartbeat a machine is lost
 * @param pageSize rows a page in HTTP v1
 * @param electionMin lower bound of the election timeout
 * @param electionMax upper bound of the election timeout
 * @param entryFormat newest format of log entries that this engine reads and writes
 * @param registryQuota how many bytes of the heap the registry may take
 * @param raftAnySource whether other engines' messages are taken from whatever address they come
 * @param tls who the engine is to others; empty for plaintext
 * @param authorityKey the key of the authority in {@code tls}, with which this engine issues certificates; empty when it has none
 * @param certificateDays how long certificates that it issues hold
 * @param plainHttp whether HTTP is plaintext all the same
 * @param traces where traces of writes go; empty for nowhere
 * @param logFormat how the log looks
 * @param verbosity what to log
 */
record EngineConfig(
        String engineId,
        UUID clusterId,
        Path dataDir,
        InetSocketAddress http,
        List<String> httpNames,
        Optional<Path> httpSocket,
        InetSocketAddress grpc,
        List<EnginePeer> peers,
        boolean bootstrap,
        boolean join,
        Optional<EtcdSettings> etcd,
        boolean restore,
        Optional<Path> backup,
        Duration agentTtl,
        int pageSize,
        Duration electionMin,
        Duration electionMax,
        int entryFormat,
        long registryQuota,
        boolean raftAnySource,
        Optional<TlsFiles> tls,
        Optional<Path> authorityKey,
        int certificateDays,
        boolean plainHttp,
        Optional<TraceSettings> traces,
        LogFormat logFormat,
        Level verbosity) {

    private static final Logger log = LoggerFactory.getLogger(EngineConfig.class);
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    EngineConfig {
        httpNames = List.copyOf(httpNames);
        peers = List.copyOf(peers);
    }

    /** This engine among the peers. */
    EnginePeer self() {
        return peers.stream()
                .filter(peer -> peer.id().equals(engineId))
                .findFirst()
                .orElseThrow();
    }

    /** All names that HTTP in plaintext goes by, beside addresses: those given, those in {@code peers}, and this host's. */
    Set<String> allHttpNames() {
        var names = new TreeSet<>(httpNames);
        names.add(http.getHostString());
        peers.forEach(
                peer -> names.add(HostAndPort.fromString(peer.httpAddress()).getHost()));
        try {
            names.add(Files.readString(HOST_NAME).strip());
        } catch (IOException e) {
            log.debug("this host's name can't be read", e);
        }
        return names;
    }
}
