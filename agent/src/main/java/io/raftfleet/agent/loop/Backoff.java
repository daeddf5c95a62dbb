package io.raftfleet.agent.loop;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Waiting times of a retry loop: each about twice the one before up to a limit, each drawn from its upper half, so that many
 * that failed together don't come back together. Owned by whoever retries; not safe for use by several threads.
 */
public final class Backoff {
    private final Duration first;
    private final Duration limit;
    private final RandomGenerator random;
    private int attempt;

    /** Waits about {@code first} at first and never more than {@code limit}. */
    public Backoff(Duration first, Duration limit, RandomGenerator random) {
        this.first = first;
        this.limit = limit;
        this.random = random;
    }

    /** How long to wait before the next try. */
    public Duration next() {
        Duration wait = delay(first, limit, attempt, random);
        attempt = Math.min(attempt + 1, 62);
        return wait;
    }

    /** The last try was good: starts from the beginning again. */
    public void reset() {
        attempt = 0;
    }

    /** The wait before retry number {@code attempt}, counted from 0. */
    public static Duration delay(Duration first, Duration limit, int attempt, RandomGenerator random) {
        long ceiling = limit.toNanos();
        int shift = Math.min(attempt, Long.numberOfLeadingZeros(Math.max(1, first.toNanos())) - 1);
        long full = Math.min(ceiling, first.toNanos() << shift);
        return Duration.ofNanos(full / 2 + random.nextLong(full / 2 + 1));
    }
}
