package io.raftfleet.engine.sim;

import io.raftfleet.agent.loop.Loop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Something that can be killed, or paused for a while: an engine, an agent, a machine. What it still had to do is not done then.
 * Owned by the simulation's thread.
 */
final class SimProcess {
    private final Agenda agenda;
    private final int number;
    private final SplittableRandom random;
    private boolean alive = true;
    private long tasks;
    private long pausedUntil;
    /** How late what is added now is done; null for as usual. */
    private @Nullable Duration stall;

    SimProcess(Agenda agenda, int number, SplittableRandom random) {
        this.agenda = agenda;
        this.number = number;
        this.random = random;
    }

    int number() {
        return number;
    }

    SplittableRandom random() {
        return random;
    }

    long nextTask() {
        return ++tasks;
    }

    boolean alive() {
        return alive;
    }

    void kill() {
        alive = false;
    }

    long pausedUntil() {
        return pausedUntil;
    }

    /** It does nothing for a while, as if it were stopped by a signal. */
    void pause(Duration time) {
        pausedUntil = agenda.nanos() + time.toNanos();
    }

    /** What another process sends it while {@code sending} is run is taken up late, as if that one thread got no time. */
    void stalled(Duration late, Runnable sending) {
        stall = late;
        try {
            sending.run();
        } finally {
            stall = null;
        }
    }

    void after(Duration delay, Runnable work) {
        agenda.after(this, delay, work);
    }

    /** Runs tasks in any order. */
    ScheduledExecutorService executor() {
        return new Tasks(0);
    }

    /** The same for what comes from other processes, which takes its time. */
    ScheduledExecutorService wire() {
        return new Tasks(3_000_000);
    }

    /** Runs tasks in their order. */
    Loop loop() {
        return new Ordered();
    }

    private final class Ordered implements Loop {
        private final Deque<Runnable> tasks = new ArrayDeque<>();

        @Override
        public void execute(Runnable task) {
            synchronized (tasks) {
                tasks.addLast(task);
            }
            agenda.add(SimProcess.this, this::runOne);
        }

        private void runOne() {
            Runnable next;
            synchronized (tasks) {
                next = tasks.removeFirst();
            }
            next.run();
        }

        @Override
        public Timer schedule(Duration delay, Runnable task) {
            var pending = new Pending(task);
            after(delay, () -> execute(pending));
            return pending;
        }

        @Override
        public long nanoTime() {
            return agenda.nanos();
        }
    }

    private static final class Pending implements Loop.Timer, Runnable {
        private final Runnable task;
        private boolean cancelled;

        Pending(Runnable task) {
            this.task = task;
        }

        @Override
        public void run() {
            if (!cancelled) {
                task.run();
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
        }
    }

    private final class Tasks extends AbstractExecutorService implements ScheduledExecutorService {
        private final int latency;

        /** @param latency of a task at most, in nanoseconds; 0 for none */
        Tasks(int latency) {
            this.latency = latency;
        }

        @Override
        public void execute(Runnable task) {
            var late = stall;
            if (late != null && latency > 0) {
                after(late, task);
            } else if (latency == 0) {
                agenda.add(SimProcess.this, task);
            } else {
                agenda.late(SimProcess.this, latency, task);
            }
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            return schedule(
                    () -> {
                        task.run();
                        return true;
                    },
                    delay,
                    unit);
        }

        @Override
        public <V> ScheduledFuture<V> schedule(Callable<V> task, long delay, TimeUnit unit) {
            long nanos = unit.toNanos(delay);
            var timer = new Timed<>(task);
            after(Duration.ofNanos(nanos), timer);
            return timer;
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long first, long delay, TimeUnit unit) {
            return schedule(
                    () -> {
                        task.run();
                        var unused = scheduleWithFixedDelay(task, delay, delay, unit);
                    },
                    first,
                    unit);
        }

        @Override
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long first, long period, TimeUnit unit) {
            return scheduleWithFixedDelay(task, first, period, unit);
        }

        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return !alive;
        }

        @Override
        public boolean isTerminated() {
            return !alive;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }

    private final class Timed<V> extends FutureTask<V> implements ScheduledFuture<V> {
        Timed(Callable<V> task) {
            super(task);
        }

        @Override
        protected void setException(Throwable cause) {
            agenda.faults().add(cause);
            super.setException(cause);
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return 0;
        }

        @Override
        public int compareTo(Delayed other) {
            return 0;
        }
    }
}
