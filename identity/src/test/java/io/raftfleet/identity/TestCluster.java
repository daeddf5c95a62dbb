package io.raftfleet.identity;

import io.raftfleet.identity.ca.CertificateAuthority;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** An authority in a directory, and the files of those that it has issued certificates for. */
public final class TestCluster {
    public static final Duration DAY = Duration.ofDays(1);

    public final CertificateAuthority authority;
    private final Path dir;
    private int files;

    public TestCluster(Path dir, String cluster) throws IOException {
        this.dir = dir;
        authority = CertificateAuthority.create(dir, cluster, Instant.now(), Duration.ofDays(3650));
    }

    public Path authorityFile() {
        return dir.resolve(CertificateAuthority.CERTIFICATE);
    }

    public TlsFiles engine(String id) throws IOException {
        return issue(SpiffeId.Kind.ENGINE, id, Optional.empty(), Instant.now(), DAY);
    }

    public TlsFiles agent(String id) throws IOException {
        return issue(SpiffeId.Kind.AGENT, id, Optional.empty(), Instant.now(), DAY);
    }

    public TlsFiles user(String name, Role role) throws IOException {
        return issue(SpiffeId.Kind.USER, name, Optional.of(role), Instant.now(), DAY);
    }

    public TlsFiles issue(SpiffeId.Kind kind, String name, Optional<Role> role, Instant from, Duration lifetime)
            throws IOException {
        files++;
        var issued = new TlsFiles(authorityFile(), dir.resolve(files + ".pem"), dir.resolve(files + "-key.pem"));
        authority.issue(kind, name, role, List.of(), from, lifetime).write(issued.certificate(), issued.key());
        return issued;
    }
}
