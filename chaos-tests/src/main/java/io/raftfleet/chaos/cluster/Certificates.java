package io.raftfleet.chaos.cluster;

import io.grpc.ChannelCredentials;
import io.grpc.netty.NettySslContextChannelCredentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A cluster's authority, and the certificates of its processes, made when first asked for. Used by one thread. */
public final class Certificates {
    private static final Duration LIFETIME = Duration.ofDays(1);

    private final Path dir;
    private final CertificateAuthority authority;
    private final Map<String, TlsFiles> issued = new HashMap<>();

    Certificates(Path dir, String cluster) {
        this.dir = dir;
        try {
            authority = CertificateAuthority.create(dir, cluster, Instant.now(), LIFETIME);
        } catch (IOException e) {
            throw new UncheckedIOException("no certificates", e);
        }
    }

    /** An engine's, an agent's, or that of a user with a role. */
    public TlsFiles of(Kind kind, String name, Optional<Role> role) {
        return issued.computeIfAbsent(kind.label() + "-" + name, key -> {
            var files = new TlsFiles(
                    dir.resolve(CertificateAuthority.CERTIFICATE),
                    dir.resolve(key + ".pem"),
                    dir.resolve(key + "-key.pem"));
            try {
                authority
                        .issue(kind, name, role, List.of(), Instant.now(), LIFETIME)
                        .write(files.certificate(), files.key());
            } catch (IOException e) {
                throw new UncheckedIOException("no certificate of " + key, e);
            }
            return files;
        });
    }

    /** An administrator's. */
    public TlsFiles admin() {
        return of(Kind.USER, "admin", Optional.of(Role.ADMIN));
    }

    /** For channels that show this certificate. */
    public static ChannelCredentials credentials(TlsFiles files) {
        try {
            return NettySslContextChannelCredentials.create(
                    TlsIdentity.open(files, InstantSource.system()).grpcClient());
        } catch (CredentialsException e) {
            throw new UncheckedIOException("a certificate that was just made", e);
        }
    }

    /** An engine's flags: it can issue certificates, too. */
    List<String> engineFlags(String id) {
        var flags = new ArrayList<>(flags(of(Kind.ENGINE, id, Optional.empty())));
        flags.add("--ca-key-file");
        flags.add(dir.resolve(CertificateAuthority.KEY).toString());
        return flags;
    }

    /** A daemon's flags for it. */
    static List<String> flags(TlsFiles files) {
        return List.of(
                "--ca-file",
                files.authorities().toString(),
                "--cert-file",
                files.certificate().toString(),
                "--key-file",
                files.key().toString());
    }
}
