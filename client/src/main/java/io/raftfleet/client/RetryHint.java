package io.raftfleet.client;

import io.grpc.Metadata;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** When an engine that refused a call says to try again: gRPC's own trailer, {@code grpc-retry-pushback-ms}. */
final class RetryHint {
    static final Metadata.Key<String> KEY = Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
    /** What an engine says is heeded up to here: a wrong answer must not stop a client for an hour. */
    private static final long LONGEST = TimeUnit.SECONDS.toNanos(30);

    private RetryHint() {}

    /** Whether the same call would never do. */
    static boolean never(@Nullable Metadata trailers) {
        return millis(trailers) < 0;
    }

    /** How long to wait at least, in nanoseconds, up to half as long again by chance; 0 when nothing was said. */
    static long wait(@Nullable Metadata trailers, RandomGenerator random) {
        long least = Math.min(LONGEST, TimeUnit.MILLISECONDS.toNanos(Math.max(0, millis(trailers))));
        return least + (long) (random.nextDouble() * least / 2);
    }

    private static long millis(@Nullable Metadata trailers) {
        String said = trailers == null ? null : trailers.get(KEY);
        if (said == null) {
            return 0;
        }
        try {
            return Long.parseLong(said);
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
