package io.raftfleet.unit.tasks;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One thread for tasks now and later, which tells what they throw: a plain one keeps that in futures that nobody asks, and
 * never again runs a periodic task that threw once. An {@link Error} also goes to the thread's uncaught exception handler,
 * for it to end the process. Cancelled tasks are let go of at once; after the shutdown none begins. Thread-safe.
 */
public final class WatchedTimer extends ScheduledThreadPoolExecutor {
    private final Consumer<Throwable> failed;
    private final Runnable before;

    /** @param failed told, on the timer's thread, what a task threw; must not throw itself */
    public WatchedTimer(ThreadFactory threads, Consumer<Throwable> failed) {
        this(threads, failed, () -> {});
    }

    /**
     * One that does something before each task.
     *
     * @param before done on the timer's thread before each task; what it throws counts as thrown by the task, which is not done then
     */
    public WatchedTimer(ThreadFactory threads, Consumer<Throwable> failed, Runnable before) {
        super(1, threads);
        this.failed = failed;
        this.before = before;
        setRemoveOnCancelPolicy(true);
        setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        setContinueExistingPeriodicTasksAfterShutdownPolicy(false);
    }

    /** All that runs a task once comes through here, {@link #execute} too. */
    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
        return super.schedule(watched(task), delay, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long initialDelay, long period, TimeUnit unit) {
        return super.scheduleAtFixedRate(watched(task), initialDelay, period, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long initialDelay, long delay, TimeUnit unit) {
        return super.scheduleWithFixedDelay(watched(task), initialDelay, delay, unit);
    }

    private Runnable watched(Runnable task) {
        return () -> {
            try {
                before.run();
                task.run();
            } catch (RuntimeException e) {
                failed.accept(e);
            } catch (Error e) {
                failed.accept(e);
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
                throw e;
            }
        };
    }
}
