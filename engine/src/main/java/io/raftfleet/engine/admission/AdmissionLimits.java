package io.raftfleet.engine.admission;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a gRPC server takes at once.
 *
 * @param calls how many calls of each kind; kinds left out have {@link CallKind#usual}
 * @param requestBytes received for all calls under way, together, but for those of agents that hold their leases
 * @param agentBytes received for the latter, together; see {@link CallKind#ofAgents}
 * @param answerBytes of unary calls' answers that clients have not taken yet, together
 * @param connections open ones, together
 * @param connectionsPerPeer open ones from one address
 * @param firstBytes how long a connection may take to say that it speaks HTTP/2
 * @param idle after which a connection without calls is closed
 */
public record AdmissionLimits(
        Map<CallKind, CallLimit> calls,
        long requestBytes,
        long agentBytes,
        long answerBytes,
        int connections,
        int connectionsPerPeer,
        Duration firstBytes,
        Duration idle) {
    private static final long MIB = 1024 * 1024;
    /** Holds four of the longest messages. */
    private static final long LEAST_BYTES = 64 * MIB;

    private static final long MOST_BYTES = 512 * MIB;
    private static final long MOST_AGENT_BYTES = 256 * MIB;

    public AdmissionLimits {
        var all = new EnumMap<CallKind, CallLimit>(CallKind.class);
        for (var kind : CallKind.values()) {
            all.put(kind, calls.getOrDefault(kind, kind.usual()));
        }
        calls = Map.copyOf(all);
    }

    /**
     * The usual ones: an eighth of the heap for requests and another for answers, 64 to 512 MiB each, and a sixteenth, 64 to 256 MiB, for agents'
     * sessions.
     */
    public static AdmissionLimits usual() {
        long heap = Runtime.getRuntime().maxMemory();
        long bytes = Math.clamp(heap / 8, LEAST_BYTES, MOST_BYTES);
        long agentBytes = Math.clamp(heap / 16, LEAST_BYTES, MOST_AGENT_BYTES);
        return new AdmissionLimits(
                Map.of(), bytes, agentBytes, bytes, 8_192, 2_048, Duration.ofSeconds(10), Duration.ofMinutes(10));
    }
}
