package io.raftfleet.engine.admission;

import io.grpc.Metadata;
import java.time.Duration;

/**
 * When to try a refused call again, in trailers: {@code grpc-retry-pushback-ms}, which clients with gRPC's own retries heed by
 * themselves; negative: never.
 */
public final class RetryHint {
    static final Metadata.Key<String> KEY = Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
    private static final String NEVER = "-1";

    private RetryHint() {}

    /** Trailers that say: not before this is over. */
    public static Metadata after(Duration wait) {
        return trailers(Long.toString(wait.toMillis()));
    }

    /** Trailers that say: the same call will never do. */
    public static Metadata never() {
        return trailers(NEVER);
    }

    private static Metadata trailers(String value) {
        var trailers = new Metadata();
        trailers.put(KEY, value);
        return trailers;
    }
}
