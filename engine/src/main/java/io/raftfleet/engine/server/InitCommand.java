package io.raftfleet.engine.server;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.join.DaemonUnit;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.FirstStart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes the first engine of a new cluster. */
@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes the first engine of a new cluster.",
            "",
            "Makes the cluster's certificate authority, certificates for this engine and, as an admin, for whoever calls this, and"
                    + " writes the configuration. Then starts the service fleet-engine, or, where none is installed, runs as the"
                    + " engine. More engines join with tokens of: fleetctl token create --role engine"
        })
final class InitCommand {
    private static final Duration AUTHORITY = Duration.ofDays(3650);

    @Mixin
    FirstSteps steps = new FirstSteps();

    @Option(names = "--engine-id", paramLabel = "ID", description = "Name of this engine, for good (e1).")
    String id = "e1";

    /** Returns whether this process is to be the engine now. */
    boolean run(Map<String, String> environment) throws IOException {
        EnginePeer self;
        try {
            self = steps.self(id);
        } catch (SettingsException e) {
            throw new IOException(e.getMessage(), e);
        }
        Path directory = steps.certificates();
        Path authorityKey = directory.resolve(CertificateAuthority.KEY);
        if (Files.exists(authorityKey)) {
            throw new IOException(
                    authorityKey + " is a cluster's authority already. To bring that cluster back: fleet-engine"
                            + " restore. To begin another one: move " + directory + " away first, and keep it");
        }
        UUID cluster = UUID.randomUUID();
        steps.checkCertificates(id);
        FirstStart.prepare(steps.data, cluster, id, false);
        var authority = CertificateAuthority.create(directory, cluster.toString(), Instant.now(), AUTHORITY);
        Path certificate = directory.resolve(CertificateAuthority.CERTIFICATE);
        var files = new TlsFiles(
                certificate,
                directory.resolve("engine-" + id + ".pem"),
                directory.resolve("engine-" + id + "-key.pem"));
        authority
                .issue(
                        SpiffeId.Kind.ENGINE,
                        id,
                        Optional.empty(),
                        List.of(steps.host, "localhost", "127.0.0.1"),
                        Instant.now(),
                        AdminContext.LIFETIME)
                .write(files.certificate(), files.key());
        steps.configure(id, cluster.toString(), List.of(self), files, authorityKey);
        System.out.println(
                "Cluster " + cluster + " begins with engine " + id + "; its settings are in " + steps.config);
        AdminContext.write(authority, cluster.toString(), self, environment);
        System.out.println("Try: fleetctl --endpoint " + self.grpcAddress() + " token create --role agent");
        return DaemonUnit.startOr("fleet-engine", steps.config, steps.noStart);
    }
}
