package io.raftfleet.agent.loop;

import com.google.common.util.concurrent.MoreExecutors;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A loop on a pool of threads and a scheduler that many loops share; it costs no thread of its own, so that thousands of
 * machines fit into a process. Safe for use by any thread.
 *
 * <p>At most {@value #MOST} tasks wait. Whoever hands in tasks has a bound of their own, in bytes where they carry any: one frame
 * of the session, one list of states, jobs and fetches that are under way. So one too many is a defect, and the process ends to be
 * started again, rather than lose a task that something waits for.
 */
public final class SharedLoop implements Loop {
    private static final Logger log = LoggerFactory.getLogger(SharedLoop.class);

    /** More than a machine has units, each of which may have a timer that ends in a task. */
    static final int MOST = 250_000;

    private final int most;
    private final Consumer<Throwable> onOverflow;
    private final AtomicInteger waiting = new AtomicInteger();
    private final Executor tasks;
    private final ScheduledExecutorService scheduler;

    /** A loop whose tasks run on {@code pool} and whose timers wait in {@code scheduler}; both belong to the caller. */
    public SharedLoop(Executor pool, ScheduledExecutorService scheduler) {
        this(pool, scheduler, MOST, SharedLoop::endOnDefect);
    }

    SharedLoop(Executor pool, ScheduledExecutorService scheduler, int most, Consumer<Throwable> onOverflow) {
        this.most = most;
        this.onOverflow = onOverflow;
        this.tasks = MoreExecutors.newSequentialExecutor(pool);
        this.scheduler = scheduler;
    }

    @Override
    public void execute(Runnable task) {
        if (waiting.incrementAndGet() > most) {
            waiting.decrementAndGet();
            onOverflow.accept(new IllegalStateException(
                    most + " tasks of a machine wait already; please report this, with a thread dump"));
            return;
        }
        try {
            tasks.execute(() -> {
                waiting.decrementAndGet();
                run(task);
            });
        } catch (RejectedExecutionException e) {
            waiting.decrementAndGet();
            log.debug("a task came after the agent's end and was dropped", e);
        }
    }

    @Override
    public Timer schedule(Duration delay, Runnable task) {
        Pending pending = new Pending(task);
        try {
            pending.future = scheduler.schedule(() -> execute(pending), delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            log.debug("a timer was set after the agent's end and dropped", e);
        }
        return pending;
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    private static void endOnDefect(Throwable defect) {
        Thread thread = Thread.currentThread();
        thread.getUncaughtExceptionHandler().uncaughtException(thread, defect);
    }

    /** A task that throws is a defect; it is told, and the loop goes on with the next. */
    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            log.error("a task of the agent failed unexpectedly; please report this", e);
        }
    }

    /** Owned by the loop, except for {@code future}, which is written before anybody can cancel. */
    private static final class Pending implements Timer, Runnable {
        private final Runnable task;
        private volatile Future<?> future = CompletableFuture.completedFuture(null);
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
            future.cancel(false);
        }
    }
}
