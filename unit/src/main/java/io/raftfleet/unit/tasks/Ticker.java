package io.raftfleet.unit.tasks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Runs what a process does again and again at common moments: when its clock is at a multiple of the period. A process that rests then
 * wakes once for all of it, and waking up is most of what such a process does. A run that comes late is not made up for.
 *
 * <p>Tasks are added by one thread before {@link #start}; from then on everything here belongs to the timer's.
 */
public final class Ticker {
    private final ScheduledExecutorService timer;
    private final LongSupplier nanoClock;
    private final long origin;
    private final List<Repeated> tasks = new ArrayList<>();

    /**
     * @param timer of one thread
     * @param nanoClock the timer's
     */
    public Ticker(ScheduledExecutorService timer, LongSupplier nanoClock) {
        this.timer = timer;
        this.nanoClock = nanoClock;
        this.origin = nanoClock.getAsLong();
    }

    /** Runs a task once a period, first after {@link #start}. What it throws is the timer's to tell of; it runs again all the same. */
    public void every(Duration period, Runnable task) {
        every(() -> period, task);
    }

    /** @param period positive; asked after each run, for the next */
    public void every(Supplier<Duration> period, Runnable task) {
        tasks.add(new Repeated(period, task));
    }

    /** Begins, until the timer is shut down. */
    public void start() {
        tasks.forEach(task -> task.due = next(task));
        await();
    }

    private void tick() {
        try {
            for (var task : tasks) {
                if (sinceOrigin() >= task.due) {
                    try {
                        task.task.run();
                    } finally {
                        task.due = next(task);
                    }
                }
            }
        } finally {
            await(); // After a task that threw at once, for the others that are due.
        }
    }

    private void await() {
        long first = tasks.stream().mapToLong(task -> task.due).min().orElseThrow();
        try {
            var unused = timer.schedule(this::tick, Math.max(0, first - sinceOrigin()), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            if (!timer.isShutdown()) {
                throw e;
            }
        }
    }

    private long next(Repeated task) {
        long period = task.period.get().toNanos();
        return (sinceOrigin() / period + 1) * period;
    }

    private long sinceOrigin() {
        return nanoClock.getAsLong() - origin;
    }

    private static final class Repeated {
        private final Supplier<Duration> period;
        private final Runnable task;
        /** Nanoseconds since the origin. */
        private long due;

        Repeated(Supplier<Duration> period, Runnable task) {
            this.period = period;
            this.task = task;
        }
    }
}
