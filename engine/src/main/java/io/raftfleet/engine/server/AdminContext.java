package io.raftfleet.engine.server;

import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.join.UserContext;
import io.raftfleet.state.raft.EnginePeer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes whoever has the authority's key at hand an admin, whom {@code fleetctl} knows by a context. */
final class AdminContext {
    /** Of a certificate. */
    static final Duration LIFETIME = Duration.ofDays(90);

    private AdminContext() {}

    /** Writes a certificate, in place of one that is there, and a context for the caller, and says so. */
    static void write(CertificateAuthority authority, String cluster, EnginePeer self, Map<String, String> environment)
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
        PrivateFile.replacePublic(files.authorities(), authority.certificate());
        authority
                .issue(SpiffeId.Kind.USER, name, Optional.of(Role.ADMIN), List.of(), Instant.now(), LIFETIME)
                .replace(files.certificate(), files.key());
        Path context = UserContext.write(home.get(), cluster.substring(0, 8), self.grpcAddress(), files);
        System.out.println("You are its admin " + name + ", by " + context);
    }
}
