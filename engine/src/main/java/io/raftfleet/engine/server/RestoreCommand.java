package io.raftfleet.engine.server;

import com.google.common.net.HostAndPort;
import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.TlsOptions;
import io.raftfleet.settings.join.DaemonUnit;
import io.raftfleet.settings.join.Ownership;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.FirstStart;
import io.raftfleet.unit.BackupRows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Brings a cluster back of which no majority of engines can be started any more: this engine begins a new life of it, alone, with what a
 * backup or etcd holds, and the others join it as new ones. So what {@code peers} of each says does not matter, one copy of the backup is
 * enough, and nothing that could make an engine begin anew a second time stays in a configuration.
 */
@Command(
        name = "restore",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Brings a lost cluster back, with this engine and a backup.",
            "For when no majority of its engines can be started any more: stop all of them first. This engine's settings and"
                    + " certificates stay; its registry, if it has one, is set aside. It begins alone with what the backup holds, agents"
                    + " come over by themselves, and what they run is taken over. The other engines are then added as new ones:"
                    + " fleet-engine join --set-aside."
        })
final class RestoreCommand {
    @ArgGroup(multiplicity = "1")
    Source source = new Source();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The engine's configuration (/etc/fleet/engine.conf).")
    Path config = Settings.usualFile(Daemon.ENGINE);

    @Option(names = "--no-start", description = "Do not start the engine.")
    boolean noStart;

    /** One of both. */
    static final class Source {
        @Parameters(
                paramLabel = "BACKUP",
                description = "A file that fleetctl cluster backup, fleet-backup.timer or fleet-engine recover made.")
        @Nullable
        Path backup;

        @Option(names = "--from-etcd", description = "Begin with what the configured etcd holds of the cluster.")
        boolean etcd;
    }

    /** Returns whether this process is to be the engine now. */
    boolean run(Map<String, String> environment) throws IOException {
        try {
            var settings = Settings.read(Daemon.ENGINE, config, environment, Map.of());
            var id = settings.require(Setting.ENGINE_ID);
            var cluster = EngineOptions.uuid(settings.require(Setting.CLUSTER_ID));
            var self = EngineOptions.self(settings);
            var root = Path.of(settings.require(Setting.DATA_DIR)).toAbsolutePath();
            var backup = Optional.ofNullable(source.backup);
            if (backup.isPresent()) {
                check(backup.get(), cluster);
            } else if (settings.get(Setting.ETCD_SERVERS).isEmpty()) {
                throw new IOException("--from-etcd: " + config + " names no etcd: set etcd_servers there");
            }
            var papers = Papers.of(settings, cluster);
            try {
                FirstStart.restore(root, cluster, id, backup)
                        .ifPresent(set -> System.out.println("The registry that was here is set aside in " + set));
                if (papers.isPresent()) {
                    papers.get().renew(self, cluster, environment);
                }
            } finally {
                // The engine need not be who calls this: packages make the directory for a user of its own.
                Ownership.asDirectory(root);
                if (papers.isPresent()) {
                    Ownership.asDirectory(root, papers.get().own());
                }
            }
            System.out.println("Cluster " + cluster + " comes back with engine " + id + ", from "
                    + backup.map(Path::toString).orElse("etcd"));
            var runs = DaemonUnit.startOr("fleet-engine", config, noStart);
            System.out.println(
                    "Add the others: fleetctl token create --role engine; on each: fleet-engine join TOKEN --set-aside ...");
            return runs;
        } catch (SettingsException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /** Reads it whole, before anything is changed. */
    private static void check(Path backup, UUID cluster) throws IOException {
        if (Files.isDirectory(backup)) {
            throw new IOException(backup.toAbsolutePath() + " is a directory: name the backup file in it");
        }
        try {
            var header = BackupRows.read(Files.newInputStream(backup), backup.toString(), row -> {});
            if (!header.getClusterId().equals(cluster.toString())) {
                throw new IOException(
                        backup + " is of cluster " + header.getClusterId() + ", and this engine of " + cluster
                                + ": take a backup of this one, or give this engine the settings and certificates of the other");
            }
        } catch (NoSuchFileException e) {
            throw new IOException("there is no backup file " + backup + ": name one that is there", e);
        }
    }

    /**
     * With what the engine's certificate and the caller's are made anew: either may have ended.
     *
     * @param authority of the cluster
     */
    private record Papers(CertificateAuthority authority, TlsFiles files) {
        /** Empty where the engine has not the authority's key, or no certificates. Writes nothing. */
        static Optional<Papers> of(Settings settings, UUID cluster) throws IOException {
            Optional<TlsFiles> files;
            Optional<Path> key;
            try {
                files = TlsOptions.resolve(settings);
                key = settings.file(Setting.CA_KEY_FILE);
            } catch (SettingsException e) {
                System.out.println("Certificates are left as they are: " + e.getMessage());
                return Optional.empty();
            }
            if (files.isEmpty() || key.isEmpty()) {
                return Optional.empty();
            }
            try {
                var authorities = Credentials.authorities(files.get().authorities());
                return Optional.of(
                        new Papers(CertificateAuthority.of(authorities, key.get(), cluster.toString()), files.get()));
            } catch (CredentialsException e) {
                throw new IOException(
                        e.getMessage()
                                + ". The cluster's authority is needed: put back what was saved of it, or what another"
                                + " engine has in its certificates",
                        e);
            }
        }

        void renew(EnginePeer self, UUID cluster, Map<String, String> environment) throws IOException {
            var hosts = new LinkedHashSet<>(
                    List.of(HostAndPort.fromString(self.grpcAddress()).getHost(), "localhost", "127.0.0.1"));
            hosts.addAll(hosts());
            authority
                    .issue(
                            SpiffeId.Kind.ENGINE,
                            self.id(),
                            Optional.empty(),
                            List.copyOf(hosts),
                            Instant.now(),
                            AdminContext.LIFETIME)
                    .replace(files.certificate(), files.key());
            AdminContext.write(authority, cluster.toString(), self, environment);
        }

        /** What the certificate that is there is for; nothing when none can be read. */
        private List<String> hosts() {
            try (var in = Files.newInputStream(files.certificate())) {
                var certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
                return Issuer.hosts((X509Certificate) certificate);
            } catch (IOException | CertificateException e) {
                return List.of();
            }
        }

        /** Those files of the engine's that are there. */
        List<Path> own() {
            return Stream.of(files.certificate(), files.key())
                    .filter(Files::exists)
                    .toList();
        }
    }
}
