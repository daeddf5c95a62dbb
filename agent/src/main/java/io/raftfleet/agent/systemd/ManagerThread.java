package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread of a {@link SystemdUnitManager}, on which its state is changed. After its close it does nothing more. */
final class ManagerThread {
    private static final Logger LOG = LoggerFactory.getLogger(ManagerThread.class);
    private static final Duration CLOSE = Duration.ofSeconds(5);

    private final WatchedTimer thread;

    ManagerThread() {
        thread = new WatchedTimer(
                Thread.ofPlatform().daemon().name("systemd-manager").factory(),
                defect -> LOG.error("a task of the unit manager failed; please report this", defect));
    }

    /** For stages of futures. */
    ScheduledExecutorService executor() {
        return thread;
    }

    void run(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException afterClose) {
            LOG.debug("closed");
        }
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
        try {
            thread.execute(() -> {
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
