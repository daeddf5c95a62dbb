package io.raftfleet.fleetctl;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Flags of commands that wait for units. Global units are never waited for. */
final class BlockOptions {
    /** How long one attempt takes in fleet. */
    private static final Duration ATTEMPT = Duration.ofSeconds(2);

    @Option(
            names = "--block-attempts",
            paramLabel = "N",
            description = "Wait for at most N times 2 seconds; 0 means no limit. Does not apply to global units.")
    int blockAttempts;

    @Option(
            names = "--no-block",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not wait; always so for global units.")
    boolean noBlock;

    /** How long to wait; null: no limit. */
    @Nullable
    Duration limit() {
        return blockAttempts > 0 ? ATTEMPT.multipliedBy(blockAttempts) : null;
    }
}
