package io.raftfleet.client;

import io.grpc.ClientInterceptor;
import io.raftfleet.identity.TlsFiles;
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
 * @param tls who the user is, and whom to believe; null for plaintext
 * @param clock stamps request ids
 * @param random makes request ids and jitter; must never repeat itself in another process
 * @param debug is told of every attempt that failed
 * @param batches is told, on the caller's thread, how far a write is that takes several calls
 * @param gateways reaches endpoints of other kinds than gRPC; null: they are refused
 * @param interceptors see each call over gRPC before it goes out, retries too
 */
public record ClientOptions(
        List<Endpoint> endpoints,
        Duration requestTimeout,
        boolean patient,
        int maxInFlight,
        @Nullable TlsFiles tls,
        InstantSource clock,
        RandomGenerator random,
        Consumer<String> debug,
        BatchListener batches,
        Gateway.@Nullable Opener gateways,
        List<ClientInterceptor> interceptors) {

    /** fleetctl's default of {@code --request-timeout}. */
    public static final Duration DEFAULT_REQUEST_TIMEOUT = Duration.ofSeconds(3);

    private static final int DEFAULT_MAX_IN_FLIGHT = 4096;

    public ClientOptions {
        endpoints = List.copyOf(endpoints);
        interceptors = List.copyOf(interceptors);
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("a client needs at least one endpoint");
        }
        if (requestTimeout.isNegative() || requestTimeout.isZero()) {
            throw new IllegalArgumentException("the request timeout must be more than 0, it is " + requestTimeout);
        }
        if (maxInFlight < 1) {
            throw new IllegalArgumentException("at least one call must be allowed in flight, not " + maxInFlight);
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
                InstantSource.system(),
                () -> SecureSource.INSTANCE.nextLong(),
                message -> {},
                (answered, all) -> {},
                null,
                List.of());
    }

    /** The same with another timeout. */
    public ClientOptions withRequestTimeout(Duration timeout) {
        return new ClientOptions(
                endpoints, timeout, patient, maxInFlight, tls, clock, random, debug, batches, gateways, interceptors);
    }

    /** The same with or without patience for a cluster that is not there. */
    public ClientOptions withPatience(boolean patience) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patience,
                maxInFlight,
                tls,
                clock,
                random,
                debug,
                batches,
                gateways,
                interceptors);
    }

    /** The same with a certificate to show; without one, in plaintext. */
    public ClientOptions withTls(@Nullable TlsFiles files) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patient,
                maxInFlight,
                files,
                clock,
                random,
                debug,
                batches,
                gateways,
                interceptors);
    }

    /** The same with another clock and random source. */
    public ClientOptions withSources(InstantSource newClock, RandomGenerator newRandom) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patient,
                maxInFlight,
                tls,
                newClock,
                newRandom,
                debug,
                batches,
                gateways,
                interceptors);
    }

    /** The same with a listener for failed attempts. */
    public ClientOptions withDebug(Consumer<String> listener) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patient,
                maxInFlight,
                tls,
                clock,
                random,
                listener,
                batches,
                gateways,
                interceptors);
    }

    /** The same with a listener for writes that take several calls. */
    public ClientOptions withBatches(BatchListener listener) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patient,
                maxInFlight,
                tls,
                clock,
                random,
                debug,
                listener,
                gateways,
                interceptors);
    }

    /** The same with a way to endpoints of other kinds than gRPC. */
    public ClientOptions withGateways(Gateway.Opener opener) {
        return new ClientOptions(
                endpoints,
                requestTimeout,
                patient,
                maxInFlight,
                tls,
                clock,
                random,
                debug,
                batches,
                opener,
                interceptors);
    }

    /** The same with others that see its calls. */
    public ClientOptions withInterceptors(List<ClientInterceptor> others) {
        return new ClientOptions(
                endpoints, requestTimeout, patient, maxInFlight, tls, clock, random, debug, batches, gateways, others);
    }

    /** Is told before each call of a write that takes several. */
    @FunctionalInterface
    public interface BatchListener {
        /** So many of all items have been answered. */
        void at(int answered, int all);
    }

    private static final class SecureSource {
        static final SecureRandom INSTANCE = new SecureRandom();
    }
}
