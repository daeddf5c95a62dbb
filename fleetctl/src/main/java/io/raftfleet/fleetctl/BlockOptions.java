package io.raftfleet.fleetctl;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Flags of commands that wait for units. Global units are never waited for. */
final class BlockOptions {
    /** How long one attempt takes in fleet. */
    private static final Duration ATTEMPT = Duration.ofSeconds(2);

    int blockAttempts;

    boolean noBlock;

    /** How long to wait; null: no limit. */
    @Nullable
    Duration limit() {
        return blockAttempts > 0 ? ATTEMPT.multipliedBy(blockAttempts) : null;
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.value(int.class, given -> blockAttempts = given, "--block-attempts")
                .paramLabel("N")
                .description("Wait for at most N times 2 seconds; 0 means no limit. Does not apply to global units."));
        syntax.add(Syntax.yesOrNo(given -> noBlock = given, "--no-block")
                .description("Do not wait; always so for global units."));
    }
}
