package io.raftfleet.fleetctl.client;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link FleetClient} behaves.
 *
 * @param endpoints at least one; the first is tried first
 * @param requestTimeout for one call with all its retries, more than 0; a batch of writes gets one second more for each 1,000 items
 * @param patient whether to go on trying until the timeout when every endpoint refuses the connection; else such a call fails
 *     after two rounds
 * @param maxInFlight unary calls under way at once; one more fails at once with RESOURCE_EXHAUSTED
 * @param caFile PEM certificates that the engines' certificates must lead to; absent: the platform's
 * @param certFile PEM certificate chain to show to engines; needs {@code keyFile}
 * @param keyFile PEM private key of {@code certFile}
 * @param clock stamps request ids
 * @param random makes request ids and jitter; must never repeat itself in another process
 * @param debug is told of every attempt that failed
 */
public record ClientOptions(
        List<Endpoint> endpoints,
        Duration requestTimeout,
        boolean patient,
        int maxInFlight,
        @Nullable Path caFile,
        @Nullable Path certFile,
        @Nullable Path keyFile,
        InstantSource clock,
        RandomGenerator random,
        Consumer<String> debug) {

    /** fleetctl's default of {@code --request-timeout}. */
    public static final Duration DEFAULT_REQUEST_TIMEOUT = Duration.ofSeconds(3);

    private static final int DEFAULT_MAX_IN_FLIGHT = 4096;

    public ClientOptions {
        endpoints = List.copyOf(endpoints);
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("a client needs at least one endpoint");
        }
        if (requestTimeout.isNegative() || requestTimeout.isZero()) {
            throw new IllegalArgumentException("the request timeout must be more than 0, it is " + requestTimeout);
        }
        if (maxInFlight < 1) {
            throw new IllegalArgumentException("at least one call must be allowed in flight, not " + maxInFlight);
        }
        if ((certFile == null) != (keyFile == null)) {
            throw new IllegalArgumentException("a certificate file and its key file must be given together");
        }
    }

    /** Defaults for these endpoints: no TLS, three seconds, patient, the system's clock, a secure random source. */
    public static ClientOptions of(List<Endpoint> endpoints) {
        // Seeding a secure source takes milliseconds that a command which only reads need not pay.
        return new ClientOptions(
                endpoints,
                DEFAULT_REQUEST_TIMEOUT,
                true,
                DEFAULT_MAX_IN_FLIGHT,
                null,
                null,
                null,
                InstantSource.system(),
                () -> SecureSource.INSTANCE.nextLong(),
                message -> {});
    }

    /** The same with another timeout. */
    public ClientOptions withRequestTimeout(Duration timeout) {
        return new ClientOptions(
                endpoints, timeout, patient, maxInFlight, caFile, certFile, keyFile, clock, random, debug);
    }

    /** The same with or without patience for a cluster that is not there. */
    public ClientOptions withPatience(boolean patience) {
        return new ClientOptions(
                endpoints, requestTimeout, patience, maxInFlight, caFile, certFile, keyFile, clock, random, debug);
    }

    /** The same with TLS files. */
    public ClientOptions withTls(@Nullable Path ca, @Nullable Path cert, @Nullable Path key) {
        return new ClientOptions(endpoints, requestTimeout, patient, maxInFlight, ca, cert, key, clock, random, debug);
    }

    /** The same with another clock and random source. */
    public ClientOptions withSources(InstantSource newClock, RandomGenerator newRandom) {
        return new ClientOptions(
                endpoints, requestTimeout, patient, maxInFlight, caFile, certFile, keyFile, newClock, newRandom, debug);
    }

    /** The same with a listener for failed attempts. */
    public ClientOptions withDebug(Consumer<String> listener) {
        return new ClientOptions(
                endpoints, requestTimeout, patient, maxInFlight, caFile, certFile, keyFile, clock, random, listener);
    }

    boolean tls() {
        return caFile != null || certFile != null;
    }

    private static final class SecureSource {
        static final SecureRandom INSTANCE = new SecureRandom();
    }
}
