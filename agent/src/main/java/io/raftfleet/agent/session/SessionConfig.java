package io.raftfleet.agent.session;

import java.time.Duration;
import java.util.Map;

/**
 * Who a machine is, and how its session behaves.
 *
 * @param machineId 32 lower-case hexadecimal digits
 * @param primaryIp address announced to the cluster, may be empty
 * @param metadata what scheduling may ask for
 * @param version of the agent
 * @param instance drawn by this process at its start
 * @param limits waits and bounds
 */
public record SessionConfig(
        String machineId,
        String primaryIp,
        Map<String, String> metadata,
        String version,
        long instance,
        Limits limits) {
    /**
     * Waits and bounds.
     *
     * @param retryFirst wait before the first retry of a lost session
     * @param retryLimit longest wait between two tries
     * @param foreignRetry longest wait while the only leader found is another cluster's
     * @param welcome how long an engine may take to answer {@code Hello}; each that is not answered makes it twice as long, up to
     *     eight times, until one is
     * @param settled a session that lasted less than this counts as a failed try
     * @param duplicateTries refusals because of a machine id in use, before an agent that never had a session gives up
     * @param duplicateRetry wait between those
     * @param fetch how long fetching contents may take
     * @param reportsInFlight unacknowledged reports before further changes wait, and merge by unit
     * @param logs logs that are read at the same time
     */
    public record Limits(
            Duration retryFirst,
            Duration retryLimit,
            Duration foreignRetry,
            Duration welcome,
            Duration settled,
            int duplicateTries,
            Duration duplicateRetry,
            Duration fetch,
            int reportsInFlight,
            int logs) {
        /** What a daemon uses. */
        public static final Limits DEFAULT = new Limits(
                Duration.ofMillis(20),
                Duration.ofSeconds(1),
                Duration.ofSeconds(10),
                Duration.ofSeconds(3),
                Duration.ofSeconds(1),
                10,
                Duration.ofSeconds(4),
                Duration.ofSeconds(10),
                2,
                16);
    }

    /** The same machine, announcing something else. */
    SessionConfig announcing(String address, Map<String, String> other) {
        return new SessionConfig(machineId, address, other, version, instance, limits);
    }

    /** Copies the metadata. */
    public SessionConfig {
        metadata = Map.copyOf(metadata);
    }
}
