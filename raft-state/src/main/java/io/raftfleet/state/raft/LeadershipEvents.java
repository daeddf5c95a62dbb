package io.raftfleet.state.raft;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands Ratis' notifications, which come on several threads and sometimes late, to the listener in a sound order on one
 * thread: a term starts at most once, stops only if it started, and never starts after it stopped.
 *
 * <p>What changes is the thread's alone, except {@code stoppedTerm}, which any thread raises, and {@code failed}, which any sets.
 */
final class LeadershipEvents implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LeadershipEvents.class);
    private static final int QUEUE = 1024;

    private final RaftListener listener;
    private final ThreadPoolExecutor thread;
    private final AtomicLong stoppedTerm = new AtomicLong(-1);
    private volatile boolean failed;
    private long startedTerm = -1;

    LeadershipEvents(String engineId, RaftListener listener) {
        this.listener = listener;
        this.thread = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(QUEUE),
                Thread.ofPlatform().daemon().name("raft-events-" + engineId).factory());
    }

    void ready(long term) {
        post(() -> {
            if (term > stoppedTerm.get() && term > startedTerm) {
                startedTerm = term;
                listener.leaderStarted(term);
            }
        });
    }

    /** This engine leads no term up to this one any more. */
    void stopped(long term) {
        stoppedTerm.accumulateAndGet(term, Math::max);
        post(() -> {
            if (startedTerm >= 0 && startedTerm <= term) {
                long ended = startedTerm;
                startedTerm = -1;
                listener.leaderStopped(ended);
            }
        });
    }

    void changed(EnginePeer leader) {
        post(() -> listener.leaderChanged(leader));
    }

    void failed(Throwable cause) {
        failed = true;
        post(() -> listener.failed(cause));
    }

    /** Whether the engine can't go on. */
    boolean hasFailed() {
        return failed;
    }

    /** Delivers what is queued, then ends the thread; waits at most a second. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(1, TimeUnit.SECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            thread.shutdownNow();
        }
    }

    private void post(Runnable event) {
        try {
            thread.execute(() -> {
                try {
                    event.run();
                } catch (RuntimeException e) {
                    LOG.error("The listener to changes of leadership failed; leadership itself is not affected", e);
                }
            });
        } catch (RejectedExecutionException e) {
            if (!thread.isShutdown()) {
                LOG.error("{} changes of leadership are undelivered: the listener hangs; this one is dropped", QUEUE);
            }
        }
    }
}
