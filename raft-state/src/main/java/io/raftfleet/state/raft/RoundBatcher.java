package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.state.raft.ReplicationException.NotLeader;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets many callers share rounds of some question to other engines. One round is outstanding at a time; who comes
 * meanwhile is served by the next, which starts when the round ends: a caller's round always starts after its call.
 *
 * <p>Guarded by its own lock. Results are completed on the thread that ends a round; dependents must not block.
 */
final class RoundBatcher<T> {
    private static final long MIN_BACKOFF_MS = 10;
    private static final long MAX_BACKOFF_MS = 160;

    private final String what;
    private final Supplier<CompletableFuture<T>> round;
    private final Duration roundTimeout;
    private final boolean retry;
    private final int maxWaiters;
    private final ScheduledExecutorService timer;

    @GuardedBy("this")
    private List<Waiter<T>> next = new ArrayList<>();
    /** Of the round under way. */
    @GuardedBy("this")
    private List<Waiter<T>> served = List.of();

    @GuardedBy("this")
    private boolean running;

    @GuardedBy("this")
    private int waiting;

    @GuardedBy("this")
    private int failures;

    @GuardedBy("this")
    private long rounds;
    /** How often a round under way was told that whom it asks has changed. */
    @GuardedBy("this")
    private long renewals;

    @GuardedBy("this")
    private @Nullable Throwable lastFailure;

    @GuardedBy("this")
    private @Nullable CompletableFuture<T> outstanding;

    @GuardedBy("this")
    private @Nullable ScheduledFuture<?> repetition;

    @GuardedBy("this")
    private boolean closed;

    private static final class Waiter<T> {
        final CompletableFuture<T> result = new CompletableFuture<>();
    }

    /**
     * @param what for messages: "read index"
     * @param round starts a round; must not block
     * @param roundTimeout after which a round counts as failed
     * @param retry true: a failed round is repeated, with backoff, as long as somebody's deadline allows; false: its
     *     failure is its waiters'
     * @param maxWaiters more are refused
     * @param timer runs deadlines and retries
     */
    RoundBatcher(
            String what,
            Supplier<CompletableFuture<T>> round,
            Duration roundTimeout,
            boolean retry,
            int maxWaiters,
            ScheduledExecutorService timer) {
        this.what = what;
        this.round = round;
        this.roundTimeout = roundTimeout;
        this.retry = retry;
        this.maxWaiters = maxWaiters;
        this.timer = timer;
    }

    /** The outcome of a round that starts after this call; fails with {@link Unavailable} at the deadline. */
    CompletableFuture<T> join(Duration deadline) {
        Waiter<T> waiter = new Waiter<>();
        boolean start;
        synchronized (this) {
            if (closed) {
                return CompletableFuture.failedFuture(stopping());
            }
            if (waiting >= maxWaiters) {
                return CompletableFuture.failedFuture(
                        new Unavailable("No " + what + ": " + waiting + " calls wait for one already. Back off."));
            }
            waiting++;
            next.add(waiter);
            start = !running;
            running = true;
        }
        ScheduledFuture<?> alarm = timer.schedule(
                () -> waiter.result.completeExceptionally(expired()), deadline.toNanos(), TimeUnit.NANOSECONDS);
        Futures.onEnd(waiter.result, (value, failure) -> {
            alarm.cancel(false);
            synchronized (this) {
                waiting--;
            }
        });
        if (start) {
            startRound();
        }
        return waiter.result;
    }

    /**
     * Whom the round asks has changed: one that is under way need not be waited for, as it may ask somebody who never answers,
     * nor the pause after one that failed. To be called on the timer's thread.
     */
    void renew() {
        CompletableFuture<T> open;
        boolean start;
        synchronized (this) {
            failures = 0;
            renewals++;
            open = outstanding;
            ScheduledFuture<?> waiting = repetition;
            start = waiting != null && waiting.cancel(false);
            repetition = null;
        }
        if (open != null) {
            open.completeExceptionally(new Unavailable("the leader has changed"));
        }
        if (start) {
            startRound();
        }
    }

    /** How many rounds were started. */
    synchronized long rounds() {
        return rounds;
    }

    /** Fails who waits, for a round under way too, and all who come. */
    void close() {
        var left = new ArrayList<Waiter<T>>();
        synchronized (this) {
            closed = true;
            left.addAll(served);
            left.addAll(next);
            next = new ArrayList<>();
            if (repetition != null) {
                repetition.cancel(false);
                repetition = null;
            }
        }
        left.forEach(w -> w.result.completeExceptionally(stopping()));
    }

    private Unavailable stopping() {
        return new Unavailable("No " + what + ": this engine is stopping.");
    }

    private synchronized Unavailable expired() {
        String cause = lastFailure == null ? "no quorum answered" : String.valueOf(lastFailure.getMessage());
        return new Unavailable("No " + what + " in time: " + cause);
    }

    private void startRound() {
        List<Waiter<T>> waiters;
        long renewalsBefore;
        synchronized (this) {
            repetition = null;
            waiters = next;
            next = new ArrayList<>();
            waiters.removeIf(w -> w.result.isDone());
            served = waiters;
            if (waiters.isEmpty()) {
                running = false;
                return;
            }
            rounds++;
            renewalsBefore = renewals;
        }
        CompletableFuture<T> outcome;
        try {
            outcome = round.get();
        } catch (RuntimeException e) {
            outcome = CompletableFuture.failedFuture(e);
        }
        ScheduledFuture<?> alarm = null;
        if (!outcome.isDone()) {
            CompletableFuture<T> open = outcome;
            boolean stale;
            synchronized (this) {
                outstanding = open;
                stale = renewals != renewalsBefore;
            }
            if (stale) {
                timer.execute(() -> open.completeExceptionally(new Unavailable("the leader has changed")));
            }
            alarm = timer.schedule(
                    () -> open.completeExceptionally(new Unavailable(
                            "no quorum answered for " + roundTimeout.toMillis() + " ms; are the other engines up?")),
                    roundTimeout.toNanos(),
                    TimeUnit.NANOSECONDS);
        }
        ScheduledFuture<?> pending = alarm;
        boolean immediate = outcome.isDone();
        Futures.onEnd(outcome, (value, failure) -> {
            if (pending != null) {
                pending.cancel(false);
            }
            if (!endRound(waiters, value, failure)) {
                return;
            }
            if (immediate) {
                timer.execute(this::startRound); // no deep recursion where rounds need no answer
            } else {
                startRound();
            }
        });
    }

    /** Returns whether the next round is to be started at once. */
    private boolean endRound(List<Waiter<T>> waiters, @Nullable T value, @Nullable Throwable failure) {
        synchronized (this) {
            outstanding = null;
            lastFailure = failure;
            if (closed) {
                return false; // Who was served has been told.
            }
            if (failure != null && retry) {
                next.addAll(0, waiters);
                long backoff = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS << Math.min(failures, 8));
                failures++;
                long delay = backoff / 2 + ThreadLocalRandom.current().nextLong(backoff / 2 + 1);
                repetition = timer.schedule(this::startRound, delay, TimeUnit.MILLISECONDS);
                return false;
            }
            failures = 0;
        }
        for (Waiter<T> waiter : waiters) {
            if (failure == null) {
                waiter.result.complete(value);
            } else {
                waiter.result.completeExceptionally(own(failure));
            }
        }
        return true;
    }

    private Throwable own(Throwable failure) {
        return failure instanceof NotLeader || failure instanceof Unavailable
                ? failure
                : new Unavailable("No " + what + ": " + failure);
    }
}
