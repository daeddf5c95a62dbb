package io.raftfleet.engine.access;

import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import io.grpc.StatusException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Links by which browsers log in to this engine's page, and the sessions that begin with them. Both are bound to the certificate that the
 * link was made with: who that names, with which role, for no longer than the certificate is taken. Of secrets the hash alone is kept. Soft
 * state: an engine that starts again has none, and whoever looked at its page makes another link.
 *
 * <p>At most {@value #MOST_LINKS} links and {@value #MOST_SESSIONS} sessions, each with a certificate's chain of at most {@value
 * #MOST_CHAIN_BYTES} bytes. Thread-safe: guarded by its monitor, under which nothing waits.
 */
public final class PageLogins {
    /** Time enough to look at what the browser says of the engine's certificate, which it does not know. */
    public static final Duration LINK = Duration.ofMinutes(5);

    /** A day's work. */
    public static final Duration SESSION = Duration.ofHours(8);

    static final int MOST_LINKS = 256;
    static final int LINKS_OF_ONE = 8;
    static final int MOST_SESSIONS = 1_024;
    static final int SESSIONS_OF_ONE = 16;
    static final int MOST_CHAIN_BYTES = 16 * 1024;

    /** How old what is known of a session's certificate may be. */
    static final Duration LOOK = Duration.ofSeconds(5);

    private static final int LINK_BYTES = 16;
    private static final int SESSION_BYTES = 32;
    private static final int HEX = 2;

    /**
     * A link that was made.
     *
     * @param secret 32 hexadecimal digits
     * @param expires when it is good for nothing any more
     */
    public record Link(String secret, Instant expires) {}

    /**
     * A session that has begun.
     *
     * @param token by which the browser shows that it is its own: 64 hexadecimal digits
     * @param expires when it ends at the latest
     */
    public record Session(String token, Caller caller, Instant expires) {}

    /** Why a link does not log in. Carries no stack trace: it is an answer, not a fault. */
    public static final class LoginRefusedException extends Exception {
        private static final long serialVersionUID = 1L;

        LoginRefusedException(String why) {
            super(why, null, false, false);
        }
    }

    /** Why certificates that were taken are not taken now. */
    @FunctionalInterface
    public interface Objection {
        /**
         * May take milliseconds, and any thread asks.
         *
         * @param chain somebody's own certificate first
         * @return null when they are taken
         */
        @Nullable
        String to(List<X509Certificate> chain);
    }

    /** A link or a session: whose, by which certificate, until when. */
    private static final class Entry {
        final Caller caller;
        final List<X509Certificate> chain;
        final Instant expires;
        /** Of a link: the session that it began. */
        @Nullable
        HashCode began;
        /** Of a session: when its certificate was looked at. */
        Instant looked;

        Entry(Caller caller, List<X509Certificate> chain, Instant expires, Instant looked) {
            this.caller = caller;
            this.chain = chain;
            this.expires = expires;
            this.looked = looked;
        }
    }

    private final RandomGenerator random;
    private final InstantSource clock;
    private final Objection objection;

    /** In the order in which they were made. */
    @GuardedBy("this")
    private final Map<HashCode, Entry> links = new LinkedHashMap<>();

    /** In the order in which they began. */
    @GuardedBy("this")
    private final Map<HashCode, Entry> sessions = new LinkedHashMap<>();

    /**
     * Has none yet.
     *
     * @param random makes secrets; a {@link java.security.SecureRandom} outside tests
     */
    public PageLogins(RandomGenerator random, InstantSource clock, Objection objection) {
        this.random = random;
        this.clock = clock;
        this.objection = objection;
    }

    /**
     * Makes a link for whoever calls.
     *
     * @param chain which the caller has shown, its own certificate first
     * @throws StatusException {@code RESOURCE_EXHAUSTED} when too many wait to be used, {@code INVALID_ARGUMENT} for a chain too long
     */
    public Link offer(Caller caller, List<X509Certificate> chain) throws StatusException {
        int bytes = bytes(chain);
        if (bytes > MOST_CHAIN_BYTES) {
            throw Status.INVALID_ARGUMENT
                    .withDescription("the certificates of " + caller + " have " + bytes
                            + " bytes together, more than the " + MOST_CHAIN_BYTES + " that a login to the page takes")
                    .asException();
        }
        Instant now = clock.instant();
        Instant end = end(now.plus(LINK), chain);
        String secret = secret(LINK_BYTES);
        synchronized (this) {
            dropOld(now);
            makeRoom(links, caller, LINKS_OF_ONE);
            if (links.size() >= MOST_LINKS) {
                throw Status.RESOURCE_EXHAUSTED
                        .withDescription(MOST_LINKS + " links to this engine's page wait to be used: try again in "
                                + LINK.toMinutes() + " minutes, or ask another engine")
                        .asException();
            }
            links.put(hash(secret), new Entry(caller, chain, end, now));
        }
        return new Link(secret, end);
    }

    /**
     * Begins the session of a link. A link works once: where it is used again, by other than the browser that has its session, somebody has
     * seen it who should not have, and the session that it began ends as well.
     *
     * @param token that the browser shows already; empty for none
     * @return empty when the browser has this link's session
     * @throws LoginRefusedException saying why, and what to do
     */
    public Optional<Session> redeem(String secret, String token) throws LoginRefusedException {
        Instant now = clock.instant();
        String next = secret(SESSION_BYTES);
        synchronized (this) {
            dropOld(now);
            Entry link = links.get(hash(secret));
            if (link == null) {
                throw new LoginRefusedException("this link is none of this engine's, or is older than "
                        + LINK.toMinutes() + " minutes: make another one with fleetctl ui");
            }
            HashCode began = link.began;
            if (began != null) {
                if (hash(token).equals(began) && sessions.containsKey(began)) {
                    return Optional.empty();
                }
                boolean ended = sessions.remove(began) != null;
                throw new LoginRefusedException("this link has been used already"
                        + (ended ? ", and the session that it began ends now" : "")
                        + ": make another one with fleetctl ui; if it was not you who used it, somebody else saw it");
            }
            String why = objection.to(link.chain);
            if (why != null) {
                throw new LoginRefusedException(
                        "this link was made by " + link.caller + ", who is not let in any more: " + why);
            }
            sessions.remove(hash(token));
            makeRoom(sessions, link.caller, SESSIONS_OF_ONE);
            if (sessions.size() >= MOST_SESSIONS) {
                throw new LoginRefusedException(
                        MOST_SESSIONS
                                + " sessions are open on this engine's page: use another engine's, fleetctl --endpoint names it");
            }
            Instant end = end(now.plus(SESSION), link.chain);
            link.began = hash(next);
            sessions.put(link.began, new Entry(link.caller, link.chain, end, now));
            return Optional.of(new Session(next, link.caller, end));
        }
    }

    /** Whose session this is; empty when it is none, has ended, or its certificate is not taken any more. */
    public Optional<Caller> caller(String token) {
        Instant now = clock.instant();
        HashCode hash = hash(token);
        Entry session;
        synchronized (this) {
            session = sessions.get(hash);
            if (session == null) {
                return Optional.empty();
            }
            if (!now.isBefore(session.expires)) {
                sessions.remove(hash);
                return Optional.empty();
            }
            if (Duration.between(session.looked, now).abs().compareTo(LOOK) < 0) {
                return Optional.of(session.caller);
            }
        }
        // Outside of the lock, as it takes milliseconds.
        boolean taken = objection.to(session.chain) == null;
        synchronized (this) {
            if (taken) {
                session.looked = now;
            } else {
                sessions.remove(hash);
            }
            return taken && sessions.containsKey(hash) ? Optional.of(session.caller) : Optional.empty();
        }
    }

    /** Ends a session, if it is one. */
    public synchronized void end(String token) {
        sessions.remove(hash(token));
    }

    synchronized int links() {
        return links.size();
    }

    synchronized int sessions() {
        return sessions.size();
    }

    @GuardedBy("this")
    private void dropOld(Instant now) {
        links.values().removeIf(link -> !now.isBefore(link.expires));
        sessions.values().removeIf(session -> !now.isBefore(session.expires));
    }

    /** The oldest of this caller's make way, so that one user takes no place of others. */
    private static void makeRoom(Map<HashCode, Entry> entries, Caller caller, int most) {
        long own = count(entries.values(), caller);
        var each = entries.values().iterator();
        while (own >= most && each.hasNext()) {
            if (each.next().caller.equals(caller)) {
                each.remove();
                own--;
            }
        }
    }

    private static long count(Collection<Entry> entries, Caller caller) {
        return entries.stream().filter(entry -> entry.caller.equals(caller)).count();
    }

    private static Instant end(Instant usual, List<X509Certificate> chain) {
        Instant certificate = chain.getFirst().getNotAfter().toInstant();
        return certificate.isBefore(usual) ? certificate : usual;
    }

    private static int bytes(List<X509Certificate> chain) {
        int bytes = 0;
        for (X509Certificate certificate : chain) {
            try {
                bytes += certificate.getEncoded().length;
            } catch (CertificateEncodingException e) {
                throw new IllegalStateException("a certificate that was read can't be written", e);
            }
        }
        return bytes;
    }

    private String secret(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** What is too long to be one of ours is nobody's. */
    private static HashCode hash(String secret) {
        return Hashing.sha256()
                .hashString(secret.length() <= HEX * SESSION_BYTES ? secret : "", StandardCharsets.UTF_8);
    }
}
