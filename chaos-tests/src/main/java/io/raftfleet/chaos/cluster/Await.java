package io.raftfleet.chaos.cluster;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Waits for conditions: asks again after 10 ms, then ever more seldom up to 150 ms, half of each pause random. */
public final class Await {
    private static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(150);

    private Await() {}

    /**
     * Waits until a condition holds. An attempt that throws an exception counts as one that doesn't hold; an error
     * ends the waiting.
     *
     * @param what for the message, such as "unit a.service is active"
     * @throws NotInTimeException when time is up; its cause is the last attempt's exception
     */
    public static void until(String what, Duration limit, BooleanSupplier condition) {
        var unused = get(what, limit, () -> condition.getAsBoolean() ? Optional.of(true) : Optional.empty());
    }

    /** As {@link #until}, for a condition that yields something when it holds. */
    public static <T> T get(String what, Duration limit, Supplier<Optional<T>> attempt) {
        long deadline = System.nanoTime() + limit.toNanos();
        long pause = FIRST_PAUSE;
        while (true) {
            @Nullable RuntimeException failure = null;
            try {
                var found = attempt.get();
                if (found.isPresent()) {
                    return found.get();
                }
            } catch (RuntimeException e) {
                failure = e;
            }
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                throw new NotInTimeException(what + ": not within " + limit.toMillis() + " ms", failure);
            }
            rest(Math.min(left, pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2)));
            pause = Math.min(LONGEST_PAUSE, pause + pause / 2);
        }
    }

    private static void rest(long nanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting", e);
        }
    }
}
