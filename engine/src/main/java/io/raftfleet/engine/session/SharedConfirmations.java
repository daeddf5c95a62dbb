package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Has the quorum asked once a pause at most, for all who ask meanwhile: heartbeats come one by one, spread over their interval, and a
 * question to the quorum for each costs three engines most of what they do while nothing happens. Who asks first is answered at once, who
 * comes within the pause after that with all others at its end.
 *
 * <p>Guarded by its own lock. Results are completed on the thread that ends a question; dependents must not block.
 */
public final class SharedConfirmations implements LeadershipCheck {
    private final LeadershipCheck check;
    private final Duration pause;
    private final ScheduledExecutorService timer;

    @GuardedBy("this")
    private boolean pausing;
    /** Those who wait for the pause to end; null for nobody. */
    @GuardedBy("this")
    private @Nullable CompletableFuture<Object> waiting;

    /** @param pause from one question to the next, at least */
    public SharedConfirmations(LeadershipCheck check, Duration pause, ScheduledExecutorService timer) {
        this.check = check;
        this.pause = pause;
        this.timer = timer;
    }

    @Override
    public CompletableFuture<?> confirm() {
        synchronized (this) {
            if (pausing) {
                if (waiting == null) {
                    waiting = new CompletableFuture<>();
                }
                return waiting;
            }
            pausing = true;
        }
        return ask();
    }

    private CompletableFuture<?> ask() {
        var unused = timer.schedule(this::pauseOver, pause.toNanos(), TimeUnit.NANOSECONDS);
        return check.confirm();
    }

    private void pauseOver() {
        CompletableFuture<Object> asked;
        synchronized (this) {
            asked = waiting;
            waiting = null;
            if (asked == null) {
                pausing = false;
                return;
            }
        }
        var unused = ask().whenComplete((confirmed, failure) -> {
            if (failure == null) {
                asked.complete(confirmed);
            } else {
                asked.completeExceptionally(failure);
            }
        });
    }

    @Override
    public String leaderGrpc() {
        return check.leaderGrpc();
    }

    @Override
    public long term() {
        return check.term();
    }
}
