package io.raftfleet.identity.join;

import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.ca.OwnKey;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.tls.TlsIdentity;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews a certificate by itself, with the same key, once two thirds of its life are over; up to a twentieth of its life later, so that
 * not all machines ask at once. The new one takes the old one's place in its file, from where it is read by itself. Looks every few
 * minutes, and sooner again when nobody could be asked. What can't be renewed, since the cluster's authority is elsewhere, is said once a
 * day.
 *
 * <p>Owned by the thread that calls {@link #look}.
 */
public final class Renewal {
    /** How often to look. */
    public static final Duration EVERY = Duration.ofMinutes(5);

    private static final Logger log = LoggerFactory.getLogger(Renewal.class);
    private static final Duration REMIND = Duration.ofDays(1);
    /** When to try again first, as at a machine's start, when no engine leads yet. Twice as long each time, up to {@link #EVERY}. */
    private static final Duration AGAIN = Duration.ofSeconds(5);

    private final TlsIdentity identity;
    private final Issuer issuer;
    private final InstantSource clock;
    private final double jitter;
    private final RandomGenerator random;
    private int failures;
    private Instant reminded = Instant.MIN;

    /** Who issues certificates. */
    @FunctionalInterface
    public interface Issuer {
        /**
         * A new certificate, PEM, of whoever asks.
         *
         * @throws IOException when it is refused, or nobody can be asked, saying why
         */
        String renew(byte[] signingRequest) throws IOException;
    }

    public Renewal(TlsIdentity identity, Issuer issuer, InstantSource clock, RandomGenerator random) {
        this.identity = identity;
        this.issuer = issuer;
        this.clock = clock;
        this.random = random;
        this.jitter = random.nextDouble() / 20;
    }

    /** Looks from now on, on a thread of its own: asking may take its time. */
    public void start() {
        Thread.ofPlatform().daemon().name("renewal").start(() -> {
            try {
                while (true) {
                    Thread.sleep(look());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Renews the certificate if it is time to; returns how long to wait before the next look. */
    Duration look() {
        Credentials current = identity.current();
        X509Certificate own = current.chain().getFirst();
        Instant begin = own.getNotBefore().toInstant();
        Duration life = Duration.between(begin, own.getNotAfter().toInstant());
        Instant now = clock.instant();
        if (now.isBefore(begin.plusMillis((long) (life.toMillis() * (2.0 / 3 + jitter))))) {
            return EVERY;
        }
        try {
            String renewed =
                    issuer.renew(OwnKey.of(own.getPublicKey(), current.key()).signingRequest());
            PrivateFile.replacePublic(current.files().certificate(), renewed);
            log.info(
                    "{} has renewed its certificate in {}",
                    current.self(),
                    current.files().certificate());
            failures = 0;
            return EVERY;
        } catch (IOException | RuntimeException e) {
            if (now.isAfter(reminded.plus(REMIND))) {
                reminded = now;
                log.warn(
                        "the certificate of {} ends at {} and could not be renewed: {}",
                        current.self(),
                        own.getNotAfter().toInstant(),
                        e.getMessage());
            }
            return again();
        }
    }

    private Duration again() {
        long millis = Math.min(EVERY.toMillis(), AGAIN.toMillis() << Math.min(failures++, 10));
        return Duration.ofMillis((long) (millis * (0.5 + random.nextDouble() / 2)));
    }
}
