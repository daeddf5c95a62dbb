package io.raftfleet.engine.server;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.OwnKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Issues certificates with the authority's key, as the engine's settings say. Immutable. */
final class Issuer {
    /** Certificates begin a little earlier than they are made: clocks differ. */
    private static final Duration EARLIER = Duration.ofMinutes(5);

    /** Kinds of {@code GeneralName} (RFC 5280, 4.2.1.6). */
    private static final int DNS = 2;

    private static final int IP = 7;

    private final CertificateAuthority authority;
    private final Supplier<Credentials> own;
    private final Duration lifetime;
    private final InstantSource clock;

    /**
     * @param own the engine's own certificate
     * @param lifetime of certificates
     */
    Issuer(CertificateAuthority authority, Supplier<Credentials> own, Duration lifetime, InstantSource clock) {
        this.authority = authority;
        this.own = own;
        this.lifetime = lifetime;
        this.clock = clock;
    }

    CertificateAuthority authority() {
        return authority;
    }

    /** Another certificate of the engine itself, PEM, for the same hosts. */
    String renew(byte[] request) throws CredentialsException {
        var current = own.get();
        return issue(
                current.self().id(),
                Optional.empty(),
                request,
                hosts(current.chain().getFirst()),
                0);
    }

    /** Names and addresses that a certificate is for. */
    static List<String> hosts(X509Certificate certificate) throws CredentialsException {
        try {
            var names = certificate.getSubjectAlternativeNames();
            return names == null
                    ? List.of()
                    : names.stream()
                            .filter(name ->
                                    name.get(0).equals(DNS) || name.get(0).equals(IP))
                            .map(name -> String.valueOf(name.get(1)))
                            .toList();
        } catch (CertificateException e) {
            throw new CredentialsException("the engine's own certificate can't be read: " + e.getMessage(), e);
        }
    }

    /**
     * A certificate, PEM, of the key that a request is about.
     *
     * @param revokedMs Unix time before which certificates of this name are revoked: this one begins then at the earliest
     * @throws CredentialsException when the request proves nothing
     * @throws IllegalArgumentException when something can't stand in a certificate
     */
    String issue(SpiffeId id, Optional<Role> role, byte[] request, List<String> hosts, long revokedMs)
            throws CredentialsException {
        Instant now = clock.instant();
        // Certificates count whole seconds.
        Instant revoked = Instant.ofEpochMilli(revokedMs).plusMillis(999).truncatedTo(ChronoUnit.SECONDS);
        Instant usual = now.minus(EARLIER);
        return authority.issue(
                OwnKey.requested(request),
                id.kind(),
                id.name(),
                role,
                hosts,
                usual.isBefore(revoked) ? revoked : usual,
                now.plus(lifetime));
    }
}
