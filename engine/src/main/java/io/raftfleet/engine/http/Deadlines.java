package io.raftfleet.engine.http;

import java.time.Duration;

/**
 * How long a call may take inside the engine.
 *
 * @param read of a read; the default leaves what a busy machine and the network need of the two seconds after which a
 *     reader without a quorum is to have its 503
 * @param write of all writes of one call together
 */
public record Deadlines(Duration read, Duration write) {
    public static final Deadlines DEFAULT = new Deadlines(Duration.ofMillis(1_500), Duration.ofSeconds(10));
}
