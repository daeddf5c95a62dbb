package io.raftfleet.engine.server;

import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.join.ConfigEdit;
import io.raftfleet.settings.join.Ownership;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.FirstStart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What {@code fleet-engine init} and {@code join} have in common: where things go, and what the configuration says afterwards. */
final class FirstSteps {
    private static final Path DATA = Path.of("/var/lib/fleet-engine");

    @Option(
            names = "--listen",
            required = true,
            paramLabel = "HOST",
            description = "The address by which the other engines, agents and clients reach this one.")
    String host = "";

    @Option(names = "--ports", paramLabel = "HTTP,GRPC,RAFT", split = ",", description = "Default: 14101,14201,14301")
    List<Integer> ports = List.of(14101, 14201, 14301);

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration to write (/etc/fleet/engine.conf).")
    Path config = Settings.usualFile(Daemon.ENGINE);

    @Option(
            names = "--data-dir",
            paramLabel = "DIR",
            description = "What outlasts the process (/var/lib/fleet-engine).")
    Path data = DATA;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where keys and certificates go; the engine has to be able to write there."
                    + " Default: certificates in the data directory")
    @Nullable
    Path directory;

    @Option(names = "--no-start", description = "Do not start the engine.")
    boolean noStart;

    Path certificates() {
        return directory == null ? data.toAbsolutePath().resolve(FirstStart.CERTIFICATES) : directory.toAbsolutePath();
    }

    /**
     * A directory for keys outside the data directory is to become the engine's, who reads them and puts renewed certificates there. One that
     * has others' files is not taken from whose it is.
     *
     * @throws IOException when it is such a one, saying what to do; nothing has been written
     */
    void checkCertificates(String id) throws IOException {
        Path target = certificates();
        if (!Files.exists(target) || !Files.exists(data) || isOurs(target, id)) {
            return;
        }
        var owner = Files.getOwner(target);
        var engine = Files.getOwner(data);
        if (!owner.equals(engine)) {
            throw new IOException(target + " has other files, and belongs to " + owner + ": the engine runs as "
                    + engine + ", which has to read its key there and to put renewed certificates in place. Choose an"
                    + " empty directory, or leave out --dir");
        }
    }

    /** Whether there is nothing in it but what we write. */
    private static boolean isOurs(Path target, String id) throws IOException {
        try (var there = Files.list(target)) {
            return files(target, id).containsAll(there.toList());
        }
    }

    private static List<Path> files(Path target, String id) {
        return List.of(
                target.resolve(CertificateAuthority.CERTIFICATE),
                target.resolve(CertificateAuthority.KEY),
                target.resolve("engine-" + id + ".pem"),
                target.resolve("engine-" + id + "-key.pem"));
    }

    EnginePeer self(String id) throws SettingsException {
        if (ports.size() != 3) {
            throw new SettingsException("--ports: there are three, for HTTP, gRPC and Raft");
        }
        return new EnginePeer(id, at(ports.get(2)), at(ports.get(1)), at(ports.get(0)));
    }

    private String at(int port) {
        return (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
    }

    /** Writes what an engine needs to know. */
    void configure(String id, String cluster, List<EnginePeer> peers, TlsFiles files, Path authorityKey)
            throws IOException {
        Map<Setting, String> values = new EnumMap<>(Setting.class);
        values.put(Setting.ENGINE_ID, id);
        values.put(Setting.CLUSTER_ID, cluster);
        values.put(
                Setting.PEERS,
                peers.stream()
                        .map(peer -> peer.id() + "=" + peer.raftAddress() + "/" + peer.grpcAddress() + "/"
                                + peer.httpAddress())
                        .collect(Collectors.joining(",")));
        values.put(Setting.CA_FILE, files.authorities().toString());
        values.put(Setting.CERT_FILE, files.certificate().toString());
        values.put(Setting.KEY_FILE, files.key().toString());
        values.put(Setting.CA_KEY_FILE, authorityKey.toString());
        values.put(
                Setting.DATA_DIR, data.equals(DATA) ? "" : data.toAbsolutePath().toString());
        values.put(Setting.ALLOW_PLAINTEXT, "");
        values.put(Setting.BOOTSTRAP, "");
        values.put(Setting.JOIN, "");
        values.put(Setting.RESTORE_FROM_BACKUP, "");
        values.put(Setting.RESTORE_FROM_ETCD, "");
        ConfigEdit.write(config.toAbsolutePath(), values);
        // The engine need not be who calls this: packages make the directory for a user of its own.
        Ownership.asDirectory(data.toAbsolutePath());
        Path target = certificates();
        if (isOurs(target, id)) {
            Ownership.asDirectory(data, List.of(target));
        }
        Ownership.asDirectory(data, files(target, id));
    }
}
