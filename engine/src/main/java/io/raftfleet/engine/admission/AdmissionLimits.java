package io.raftfleet.engine.admission;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a gRPC server takes at once.
 *
 * @param calls how many calls of each kind; kinds left out have {@link CallKind#usual}
 * @param requestBytes received for all calls under way, together
 * @param answerBytes of unary calls' answers that clients have not taken yet, together
 * @param connections open ones, together
 * @param connectionsPerPeer open ones from one address
 * @param firstBytes how long a connection may take to say that it speaks HTTP/2
 * @param idle after which a connection without calls is closed
 */
public record AdmissionLimits(
        Map<CallKind, CallLimit> calls,
        long requestBytes,
        long answerBytes,
        int connections,
        int connectionsPerPeer,
        Duration firstBytes,
        Duration idle) {
    private static final long MIB = 1024 * 1024;
    /** Holds four of the longest messages. */
    private static final long LEAST_BYTES = 64 * MIB;

    private static final long MOST_BYTES = 512 * MIB;

    public AdmissionLimits {
        var all = new EnumMap<CallKind, CallLimit>(CallKind.class);
        for (var kind : CallKind.values()) {
            all.put(kind, calls.getOrDefault(kind, kind.usual()));
        }
        calls = Map.copyOf(all);
    }

    /** The usual ones: an eighth of the heap for requests and another for answers, 64 to 512 MiB each. */
    public static AdmissionLimits usual() {
        long bytes = Math.clamp(Runtime.getRuntime().maxMemory() / 8, LEAST_BYTES, MOST_BYTES);
        return new AdmissionLimits(
                Map.of(), bytes, bytes, 8_192, 2_048, Duration.ofSeconds(10), Duration.ofMinutes(10));
    }
}
