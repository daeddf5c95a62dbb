package io.raftfleet.identity.join;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.tls.StrangerTls;
import io.raftfleet.identity.tls.TlsFailure;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.AuthorityRequest;
import io.raftfleet.proto.cluster.JoinRequest;
import io.raftfleet.proto.cluster.JoinResponse;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Exchanges a token for a certificate. First the authority's certificate is asked for, of whoever answers, and believed because the
 * token has its digest; then an engine that proves to be of that authority's cluster is given the token's secret.
 */
public final class Joining {
    private static final Duration CALL = Duration.ofSeconds(10);
    /** For a daemon that joins: engines may be starting too. */
    public static final Duration PATIENCE = Duration.ofSeconds(60);

    private static final Duration PAUSE = Duration.ofMillis(500);
    /** What may be over in a moment: no engine leads yet, or one is being started. */
    private static final Set<Status.Code> PASSING =
            Set.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED, Status.Code.UNKNOWN);

    private final TokenText token;
    private final String name;
    private final List<String> hosts;
    private final OwnKey key;

    /**
     * @param name whose certificate it is to be
     * @param hosts names and addresses of an engine, for browsers and curl; empty for others
     */
    public Joining(TokenText token, String name, List<String> hosts, SecureRandom random) {
        this.token = token;
        this.name = name;
        this.hosts = List.copyOf(hosts);
        this.key = OwnKey.create(random);
    }

    /** Its private key, PEM. */
    public String key() {
        return key.text();
    }

    /**
     * Asks the engines that the token names, one after the other.
     *
     * @param patience how long to try again what may be over in a moment
     * @throws JoinException when none gives a certificate
     */
    public JoinResponse join(Duration patience) throws JoinException {
        long end = System.nanoTime() + patience.toNanos();
        while (true) {
            JoinException last = null;
            for (String endpoint : token.endpoints()) {
                try {
                    return ask(endpoint);
                } catch (Passing e) {
                    last = new JoinException(endpoint + ": " + e.getMessage(), e);
                }
            }
            if (last == null) {
                throw new JoinException("the token names no engine");
            }
            if (System.nanoTime() > end) {
                throw last;
            }
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new JoinException("interrupted", e);
            }
        }
    }

    private JoinResponse ask(String endpoint) throws JoinException, Passing {
        X509Certificate authority = certificate(
                endpoint,
                call(
                        endpoint,
                        StrangerTls.believingAnybody(),
                        stub -> stub.authority(AuthorityRequest.getDefaultInstance())
                                .getCertificate()));
        if (!HexFormat.of().formatHex(OwnKey.digest(authority)).equals(token.authorityDigest())) {
            throw new JoinException(
                    "who answers at " + endpoint + " shows another authority than the token is of: it was"
                            + " told nothing. Either the authority was changed, then make a new token, or somebody is in the way");
        }
        return call(
                endpoint,
                StrangerTls.believing(authority, token.cluster()),
                stub -> stub.join(JoinRequest.newBuilder()
                        .setTokenId(token.id())
                        .setSecret(ByteString.copyFrom(HexFormat.of().parseHex(token.secret())))
                        .setWho(Principal.newBuilder().setKind(kind()).setName(name))
                        .setSigningRequest(ByteString.copyFrom(key.signingRequest()))
                        .addAllHosts(hosts)
                        .build()));
    }

    private PrincipalKind kind() {
        return switch (token.kind()) {
            case ENGINE -> PrincipalKind.PRINCIPAL_KIND_ENGINE;
            case AGENT -> PrincipalKind.PRINCIPAL_KIND_AGENT;
            case USER -> PrincipalKind.PRINCIPAL_KIND_USER;
        };
    }

    private static X509Certificate certificate(String endpoint, String pem) throws JoinException {
        try {
            return (X509Certificate) CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
        } catch (CertificateException e) {
            throw new JoinException("who answers at " + endpoint + " sends no certificate of an authority", e);
        }
    }

    private static <T> T call(String endpoint, SslContext tls, Function<AccessGrpc.AccessBlockingStub, T> call)
            throws JoinException, Passing {
        ManagedChannel channel = NettyChannelBuilder.forTarget("dns:///" + endpoint)
                .sslContext(tls)
                // Certificates name engines, not hosts.
                .overrideAuthority("raftfleet")
                .build();
        try {
            return call.apply(
                    AccessGrpc.newBlockingStub(channel).withDeadlineAfter(CALL.toMillis(), TimeUnit.MILLISECONDS));
        } catch (StatusRuntimeException e) {
            String why = reason(e);
            if (PASSING.contains(e.getStatus().getCode())) {
                throw new Passing(why, e);
            }
            throw new JoinException("the engine at " + endpoint + " refuses: " + why, e);
        } finally {
            channel.shutdownNow();
        }
    }

    /** What is at the bottom says most: a refused connection, a certificate of somebody else. */
    private static String reason(StatusRuntimeException failure) {
        Throwable below = failure.getCause();
        if (below != null && TlsFailure.is(below)) {
            return TlsFailure.words(below, "the token");
        }
        @Nullable String said = failure.getStatus().getDescription();
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            said = cause.getMessage();
        }
        return said == null ? failure.getStatus().toString() : said;
    }

    /** It may work a little later, or elsewhere. */
    private static final class Passing extends Exception {
        private static final long serialVersionUID = 1;

        Passing(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
