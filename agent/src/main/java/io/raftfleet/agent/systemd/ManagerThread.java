package io.raftfleet.agent.systemd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread of a {@link SystemdUnitManager}, on which its state is changed. After its close it does nothing more.
 *
 * <p>While many orders wait for systemd, its signals and other news of units gather for up to {@link #GATHERING} and are taken up before
 * whatever is done next, in the order in which they came. To wake this thread, and then the machine's loop, for each signal of hundreds of
 * starts would be a third of what the agent does for them. What has gathered is guarded by {@code gathered}.
 *
 * <p>What waits for it is bounded: orders, of which one too many is refused; systemd's signals, for which the thread that reads them
 * waits, and with it what systemd sends; and by their own nature the manager's own tasks, of which there is one of a kind.
 */
final class ManagerThread {
    private static final Logger LOG = LoggerFactory.getLogger(ManagerThread.class);
    private static final Duration CLOSE = Duration.ofSeconds(5);
    /** Orders that wait for the thread; a unit has one under way, so that it is more than a machine has units. */
    static final int MAX_ORDERS = 100_000;

    static final int MAX_SIGNALS = 1024;

    /** How long news wait at most while many orders wait. */
    static final Duration GATHERING = Duration.ofMillis(20);

    private final WatchedTimer thread;
    private final Semaphore orders = new Semaphore(MAX_ORDERS);
    private final Semaphore signals = new Semaphore(MAX_SIGNALS);
    private final Duration patience;

    @GuardedBy("gathered")
    private final List<Runnable> gathered = new ArrayList<>();

    @GuardedBy("gathered")
    private boolean gathering;

    ManagerThread() {
        this(Duration.ofSeconds(30));
    }

    /** @param patience how long a signal may wait for room */
    ManagerThread(Duration patience) {
        this.patience = patience;
        thread = new WatchedTimer(
                Thread.ofPlatform().daemon().name("systemd-manager").factory(),
                ManagerThread::report,
                this::takeGathered);
    }

    private static void report(Throwable defect) {
        LOG.error("a task of the unit manager failed; please report this", defect);
    }

    /** For stages of futures. */
    ScheduledExecutorService executor() {
        return thread;
    }

    /** Does one of the manager's own tasks. */
    void run(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException afterClose) {
            LOG.debug("closed");
        }
    }

    /** Takes up news: before whatever is done next, and at once, unless news gather. */
    void news(Runnable task) {
        boolean next;
        synchronized (gathered) {
            gathered.add(task);
            next = !gathering && gathered.size() == 1;
        }
        if (next) {
            run(() -> {}); // Before it all is taken up.
        }
    }

    /** On the thread: from now on news gather, until there are not {@code many} orders any more. */
    void gatherWhile(BooleanSupplier many) {
        synchronized (gathered) {
            if (gathering) {
                return;
            }
            gathering = true;
        }
        later(() -> gatherOn(many), GATHERING);
    }

    private void gatherOn(BooleanSupplier many) {
        if (many.getAsBoolean()) {
            later(() -> gatherOn(many), GATHERING);
            return;
        }
        synchronized (gathered) {
            gathering = false;
        }
        takeGathered(); // What has come since this task began.
    }

    private void takeGathered() {
        List<Runnable> batch;
        synchronized (gathered) {
            batch = List.copyOf(gathered);
            gathered.clear();
        }
        for (Runnable task : batch) {
            try {
                task.run();
            } catch (RuntimeException defect) {
                report(defect);
            }
        }
    }

    /**
     * Passes on what systemd said, for the thread that reads it, which waits while too much is waiting. Returns false when there
     * was no room for long: what systemd said is lost then.
     */
    boolean signal(Runnable task) {
        try {
            if (!signals.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        news(() -> {
            signals.release();
            task.run();
        });
        return true;
    }

    void later(Runnable task, Duration pause) {
        try {
            var ignored = thread.schedule(task, pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException afterClose) {
            LOG.debug("closed");
        }
    }

    /** Carries out an order; all failures become {@link UnitManagerException}s. */
    <T> CompletableFuture<T> order(Supplier<CompletableFuture<T>> work) {
        var outcome = new CompletableFuture<T>();
        if (!orders.tryAcquire()) {
            return CompletableFuture.failedFuture(UnitManagerException.notIssued(
                    MAX_ORDERS + " orders wait for the unit manager already; try again later"));
        }
        try {
            thread.execute(() -> {
                orders.release();
                try {
                    var ignored = work.get().whenComplete((result, failure) -> {
                        if (failure == null) {
                            outcome.complete(result);
                        } else {
                            outcome.completeExceptionally(told(failure));
                        }
                    });
                } catch (RuntimeException bug) {
                    outcome.completeExceptionally(told(bug));
                }
            });
        } catch (RejectedExecutionException afterClose) {
            orders.release();
            outcome.completeExceptionally(told(afterClose));
        }
        return outcome;
    }

    private static UnitManagerException told(Throwable failure) {
        return switch (Futures.cause(failure)) {
            case UnitManagerException told -> told;
            case RejectedExecutionException afterClose -> UnitManagerException.notIssued("the unit manager is closed");
            case BusException error -> new UnitManagerException("systemd says: " + error.getMessage(), error);
            case Throwable bug -> {
                LOG.error("an order to the unit manager failed; please report this", bug);
                yield new UnitManagerException("the unit manager failed: " + bug, bug);
            }
        };
    }

    /** Does one last thing, then ends; waits some seconds at most. */
    void close(Runnable last) {
        run(() -> {
            last.run();
            thread.shutdown();
        });
        try {
            if (!thread.awaitTermination(CLOSE.toMillis(), TimeUnit.MILLISECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException hurried) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
