package io.raftfleet.agent.loop;

import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A loop whose time is moved by hand. Tasks may come from any thread; they run on the test's, in {@link #run}. */
public final class VirtualLoop implements Loop {
    private static final class Entry implements Timer, Comparable<Entry> {
        final long at;
        final long order;
        final Runnable task;
        boolean cancelled;

        Entry(long at, long order, Runnable task) {
            this.at = at;
            this.order = order;
            this.task = task;
        }

        @Override
        public void cancel() {
            cancelled = true;
        }

        @Override
        public int compareTo(Entry other) {
            return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
        }
    }

    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final PriorityQueue<Entry> timers = new PriorityQueue<>();
    private long now;
    private long order;

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
        Entry entry = new Entry(now + delay.toNanos(), order++, task);
        timers.add(entry);
        return entry;
    }

    @Override
    public long nanoTime() {
        return now;
    }

    /** Runs what is due now. */
    public void run() {
        Runnable task = tasks.poll();
        while (task != null) {
            task.run();
            task = tasks.poll();
        }
    }

    /** Runs tasks, waiting for those that other threads bring, until {@code done}. */
    public void runUntil(BooleanSupplier done) throws InterruptedException {
        long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        run();
        while (!done.getAsBoolean()) {
            Runnable task = tasks.poll(limit - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (task == null) {
                throw new AssertionError("nothing more happens, and it is not done");
            }
            task.run();
            run();
        }
    }

    /** Lets time pass. */
    public void advance(Duration time) {
        long end = now + time.toNanos();
        run();
        while (!timers.isEmpty() && timers.peek().at <= end) {
            Entry entry = timers.remove();
            now = entry.at;
            if (!entry.cancelled) {
                entry.task.run();
                run();
            }
        }
        now = end;
    }

    /** Timers that are set and not taken back. */
    public long pendingTimers() {
        return timers.stream().filter(timer -> !timer.cancelled).count();
    }
}
