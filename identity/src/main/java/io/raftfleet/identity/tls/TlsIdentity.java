package io.raftfleet.identity.tls;

import io.grpc.netty.GrpcSslContexts;
import io.grpc.util.AdvancedTlsX509KeyManager;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.grpc.util.AdvancedTlsX509TrustManager.SslSocketAndEnginePeerVerifier;
import io.grpc.util.AdvancedTlsX509TrustManager.Verification;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.CredentialsException;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process' side of TLS: shows its certificate, and believes those that lead to its authorities and are of its own cluster, of
 * the kinds that each use allows. Names of hosts do not count: a peer is whom its SPIFFE id names, wherever it is.
 *
 * <p>{@link #look} reads the files again. New connections use what they hold; connections that are open go on, unless the
 * certificate they were opened with has expired or no longer leads to an authority: those are closed. Files that can't be used
 * leave everything as it was, and are complained of.
 *
 * <p>Thread-safe; {@link #look} is called by one thread, and alone writes what changes.
 */
public final class TlsIdentity {
    /** How often files and open connections are looked at. */
    public static final Duration LOOK = Duration.ofSeconds(10);

    /** The only version that is spoken. */
    public static final String PROTOCOL = "TLSv1.3";

    private static final Logger log = LoggerFactory.getLogger(TlsIdentity.class);
    private static final Duration REMIND = Duration.ofHours(1);

    private final TlsFiles files;
    private final InstantSource clock;
    private final AdvancedTlsX509KeyManager keyManager = new AdvancedTlsX509KeyManager();
    private final Map<Set<SpiffeId.Kind>, AdvancedTlsX509TrustManager> trustManagers = new ConcurrentHashMap<>();
    private final PeerConnections connections = new PeerConnections();
    private volatile Credentials current;
    private volatile Objection objection = (peer, began) -> null;
    /** Why the files could not be used at the last look. */
    private String fault = "";

    private Instant reminded = Instant.MIN;

    private TlsIdentity(Credentials first, InstantSource clock) {
        this.files = first.files();
        this.clock = clock;
        this.current = first;
        keyManager.updateIdentityCredentials(chain(first), first.key());
    }

    /**
     * Reads the files.
     *
     * @param clock decides what is valid
     * @throws CredentialsException when they can't be used
     */
    public static TlsIdentity open(TlsFiles files, InstantSource clock) throws CredentialsException {
        return new TlsIdentity(Credentials.read(files, clock.instant()), clock);
    }

    /**
     * The same for one that ends soon: as {@link Credentials#unproven}. When a connection fails over TLS, {@link #prove} tells whether
     * the files are to blame.
     *
     * @throws CredentialsException when they can't be used
     */
    public static TlsIdentity openUnproven(TlsFiles files, InstantSource clock) throws CredentialsException {
        return new TlsIdentity(Credentials.unproven(files, clock.instant()), clock);
    }

    /**
     * Uses the curve of our certificates once, for a process that ends soon: before its first signature on it Java computes a table, which
     * takes longer than the handshake. Meanwhile something else can be done.
     */
    public static void warmUp() {
        try {
            var keys = KeyPairGenerator.getInstance("EC");
            keys.initialize(new ECGenParameterSpec("secp256r1"));
            keys.generateKeyPair();
        } catch (GeneralSecurityException e) {
            log.debug("no P-256 before it is needed", e); // Whoever needs it says so.
        }
    }

    /**
     * As {@link Credentials#prove}, of what is used now.
     *
     * @throws CredentialsException when they do not fit together
     */
    public void prove() throws CredentialsException {
        current.prove(clock.instant());
    }

    /** Why a certificate that is valid is not taken all the same. */
    @FunctionalInterface
    public interface Objection {
        /**
         * Must be quick, and safe for any thread.
         *
         * @param began when the certificate began
         * @return null when it is taken
         */
        @Nullable
        String to(Identity peer, Instant began);
    }

    /** From now on new connections are looked at in this way too, and open ones at each {@link #look}. */
    public void heed(Objection newObjection) {
        objection = newObjection;
    }

    /** Why this certificate is not taken; null when it is, or names nobody. */
    @Nullable
    String objection(X509Certificate certificate) {
        Identity peer = peer(List.of(certificate));
        return peer == null
                ? null
                : objection.to(peer, certificate.getNotBefore().toInstant());
    }

    /** Why a connection that was made with these certificates should not go on; null when it may. */
    public @Nullable String objection(List<X509Certificate> chain) {
        return objection(chain, clock.instant(), true);
    }

    /** @param authorities whether it counts by whom they are issued: that takes some milliseconds */
    @Nullable
    String objection(List<X509Certificate> chain, Instant now, boolean authorities) {
        Credentials credentials = current;
        String why = objection(chain.getFirst());
        if (why != null) {
            return "its certificate is not taken: " + why;
        }
        String validity = Credentials.validity(chain.getFirst(), now);
        if (validity != null) {
            return "its certificate " + validity;
        }
        if (authorities) {
            try {
                credentials.verify(chain, now);
            } catch (CertificateException e) {
                return "its certificate is not from an authority in "
                        + credentials.files().authorities() + ": " + e.getMessage();
            }
        }
        return null;
    }

    /** What is in use now. */
    public Credentials current() {
        return current;
    }

    /** Who this process is; the same for good. */
    public Identity self() {
        return current.self();
    }

    InstantSource clock() {
        return clock;
    }

    /** Shows the certificate. */
    public X509ExtendedKeyManager keyManager() {
        return keyManager;
    }

    /** The connections that are open to others, for whoever opens some. */
    public PeerConnections connections() {
        return connections;
    }

    /** Believes certificates of these kinds. */
    public X509ExtendedTrustManager trust(Set<SpiffeId.Kind> kinds) {
        var trust = trustManagers.computeIfAbsent(Set.copyOf(kinds), this::newTrust);
        believe(trust, current);
        return trust;
    }

    private AdvancedTlsX509TrustManager newTrust(Set<SpiffeId.Kind> kinds) {
        try {
            return AdvancedTlsX509TrustManager.newBuilder()
                    .setVerification(Verification.CERTIFICATE_ONLY_VERIFICATION)
                    .setSslSocketAndEnginePeerVerifier(new Peers(kinds))
                    .build();
        } catch (CertificateException e) {
            throw new IllegalStateException("a trust manager without certificates yet", e);
        }
    }

    /** Looks at who it is that is believed. */
    private final class Peers implements SslSocketAndEnginePeerVerifier {
        private final Set<SpiffeId.Kind> kinds;

        Peers(Set<SpiffeId.Kind> kinds) {
            this.kinds = kinds;
        }

        @Override
        public void verifyPeerCertificate(X509Certificate[] peer, String authType, Socket socket)
                throws CertificateException {
            checkPeer(peer[0], kinds);
        }

        @Override
        public void verifyPeerCertificate(X509Certificate[] peer, String authType, SSLEngine engine)
                throws CertificateException {
            checkPeer(peer[0], kinds);
        }
    }

    private void checkPeer(X509Certificate certificate, Set<SpiffeId.Kind> kinds) throws CertificateException {
        Identity peer = Identity.of(certificate);
        SpiffeId own = self().id();
        if (!peer.id().cluster().equals(own.cluster())) {
            throw new CertificateException(
                    "it is " + peer + ", of another cluster than " + own + ": use certificates of the same one");
        }
        if (!kinds.contains(peer.id().kind())) {
            throw new CertificateException("it is " + peer + ", but here it must be "
                    + kinds.stream()
                            .map(kind -> (kind == SpiffeId.Kind.USER ? "a " : "an ") + kind.label())
                            .collect(Collectors.joining(" or ")));
        }
        String why = objection.to(peer, certificate.getNotBefore().toInstant());
        if (why != null) {
            throw new CertificateException("it is " + peer + ", and " + why);
        }
    }

    /** For servers of HTTP/1.1. Clients without a certificate are let in: what they may ask for is for the server to say. */
    public SslContext httpServer(Set<SpiffeId.Kind> clients) {
        connections.letStrangers();
        return built(server(clients, true).sslProvider(SslProvider.JDK));
    }

    /**
     * For gRPC servers.
     *
     * @param strangers whether clients without a certificate are let in: what they may call is for the server to say
     */
    public SslContext grpcServer(Set<SpiffeId.Kind> clients, boolean strangers) {
        if (strangers) {
            connections.letStrangers();
        }
        return built(GrpcSslContexts.configure(server(clients, strangers), SslProvider.JDK));
    }

    private SslContextBuilder server(Set<SpiffeId.Kind> clients, boolean strangers) {
        return SslContextBuilder.forServer(keyManager)
                .trustManager(trust(clients))
                .clientAuth(strangers ? ClientAuth.OPTIONAL : ClientAuth.REQUIRE);
    }

    /** For gRPC clients of engines. */
    public SslContext grpcClient() {
        return built(GrpcSslContexts.configure(SslContextBuilder.forClient(), SslProvider.JDK)
                .keyManager(keyManager)
                .trustManager(trust(Set.of(SpiffeId.Kind.ENGINE))));
    }

    private static SslContext built(SslContextBuilder builder) {
        try {
            return builder.protocols(PROTOCOL).build();
        } catch (SSLException e) {
            throw new IllegalStateException("this Java machine has no " + PROTOCOL, e);
        }
    }

    /** Looks at the files and connections from now on, every {@link #LOOK}, on a thread of its own: a disk may hang. */
    public void start() {
        Thread.ofPlatform().daemon().name("certificates").start(() -> {
            try {
                while (true) {
                    Thread.sleep(LOOK);
                    lookUnlessAtFault();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void lookUnlessAtFault() {
        try {
            look();
        } catch (RuntimeException e) {
            log.error("looking at certificates failed; {} goes on with those that it has", self(), e);
        }
    }

    /** Looks at them once. */
    public void look() {
        Instant now = clock.instant();
        boolean changed = false;
        try {
            Credentials read = Credentials.read(files, now);
            fault = "";
            if (!read.digest().equals(current.digest())) {
                changed = use(read);
            }
        } catch (CredentialsException e) {
            // Whoever puts new files in place does so one after the other: what is wrong must stay wrong.
            String seen = String.valueOf(e.getMessage());
            String kind = seen.replaceAll("[0-9]", "");
            if (fault.equals(kind)) {
                fault = kind + "!";
                log.warn("{}: {} goes on with what it has read before", seen, self());
            } else if (!fault.equals(kind + "!")) {
                fault = kind;
            }
        }
        remind(now);
        connections.check(this, now, changed);
    }

    private boolean use(Credentials read) {
        if (!read.self().id().equals(self().id())) {
            log.warn(
                    "{} has a certificate of {} now: {} goes on with its own; start it again to change who it is",
                    files.certificate(),
                    read.self(),
                    self());
            return false;
        }
        boolean otherAuthorities = !read.authorities().equals(current.authorities());
        keyManager.updateIdentityCredentials(chain(read), read.key());
        current = read;
        trustManagers.values().forEach(trust -> believe(trust, read));
        log.info("{} uses a new certificate, valid until {}", self(), self().expires());
        return otherAuthorities;
    }

    private void remind(Instant now) {
        X509Certificate own = current.chain().getFirst();
        Instant end = own.getNotAfter().toInstant();
        Duration life = Duration.between(own.getNotBefore().toInstant(), end);
        if (now.isAfter(end.minus(life.dividedBy(5))) && now.isAfter(reminded.plus(REMIND))) {
            reminded = now;
            log.warn(
                    "the certificate of {} in {} ends at {}: put a new one in its place, which is read by itself; once"
                            + " it has expired nobody talks to this process",
                    self(),
                    files.certificate(),
                    end);
        }
    }

    private static void believe(AdvancedTlsX509TrustManager trust, Credentials credentials) {
        try {
            trust.updateTrustCredentials(credentials.authorities().toArray(new X509Certificate[0]));
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("certificates that were read can't be believed", e);
        }
    }

    private static X509Certificate[] chain(Credentials credentials) {
        return credentials.chain().toArray(new X509Certificate[0]);
    }

    /** Whose certificate a connection was opened with; null when it has none. */
    static @Nullable Identity peer(List<X509Certificate> chain) {
        try {
            return chain.isEmpty() ? null : Identity.of(chain.getFirst());
        } catch (CertificateException e) {
            return null;
        }
    }
}
