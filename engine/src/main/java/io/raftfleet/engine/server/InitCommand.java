package io.raftfleet.engine.server;

import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.join.UserContext;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.join.DaemonUnit;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.FirstStart;
import java.io.IOException;
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
    private static final Duration CERTIFICATE = Duration.ofDays(90);

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
        UUID cluster = UUID.randomUUID();
        steps.checkCertificates(id);
        FirstStart.prepare(steps.data, cluster, id, false);
        Path directory = steps.certificates();
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
                        CERTIFICATE)
                .write(files.certificate(), files.key());
        steps.configure(id, cluster.toString(), List.of(self), files, directory.resolve(CertificateAuthority.KEY));
        System.out.println(
                "Cluster " + cluster + " begins with engine " + id + "; its settings are in " + steps.config);
        admin(authority, cluster.toString(), self, environment);
        return DaemonUnit.startOr("fleet-engine", steps.config, steps.noStart);
    }

    private static void admin(
            CertificateAuthority authority, String cluster, EnginePeer self, Map<String, String> environment)
            throws IOException {
        Optional<Path> home = UserContext.home(environment);
        if (home.isEmpty()) {
            System.out.println("HOME is not set: an admin's certificate is made by fleetctl cert issue");
            return;
        }
        String name = System.getProperty("user.name", "admin").replaceAll("[^A-Za-z0-9_-]", "");
        Path directory = home.get().resolve("certificates").resolve(cluster);
        PrivateFile.directory(directory);
        var files = new TlsFiles(
                directory.resolve(CertificateAuthority.CERTIFICATE),
                directory.resolve("user-" + name + ".pem"),
                directory.resolve("user-" + name + "-key.pem"));
        PrivateFile.createPublic(files.authorities(), authority.certificate());
        authority
                .issue(SpiffeId.Kind.USER, name, Optional.of(Role.ADMIN), List.of(), Instant.now(), CERTIFICATE)
                .write(files.certificate(), files.key());
        Path context = UserContext.write(home.get(), cluster.substring(0, 8), self.grpcAddress(), files);
        System.out.println("You are its admin " + name + ", by " + context);
        System.out.println("Try: fleetctl --endpoint " + self.grpcAddress() + " token create --role agent");
    }
}
