package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Small additions to {@link CompletableFuture}. */
final class Futures {
    private static final Logger LOG = LoggerFactory.getLogger(Futures.class);

    private Futures() {}

    /** What made a stage fail, without the wrapping of its dependents. */
    static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** Calls {@code action} when the future ends; what it throws is logged, for nobody else would hear of it. */
    @SuppressWarnings("FutureReturnValueIgnored") // the dependent stage has nobody to tell
    static <T> void onEnd(CompletableFuture<T> future, BiConsumer<? super T, ? super Throwable> action) {
        future.whenComplete((value, failure) -> {
            try {
                action.accept(value, failure);
            } catch (RuntimeException e) {
                LOG.error("Acting on the outcome of a call failed", e);
            }
        });
    }

    /** The same outcome, failures unwrapped. */
    static <T> CompletableFuture<T> unwrapped(CompletableFuture<T> future) {
        CompletableFuture<T> result = new CompletableFuture<>();
        onEnd(future, (value, failure) -> {
            if (failure == null) {
                result.complete(value);
            } else {
                result.completeExceptionally(cause(failure));
            }
        });
        return result;
    }

    /** The same outcome, or a failure after {@code limit}. */
    static <T> CompletableFuture<T> within(
            CompletableFuture<T> future, Duration limit, ScheduledExecutorService timer, Supplier<Throwable> late) {
        CompletableFuture<T> result = unwrapped(future);
        ScheduledFuture<?> alarm =
                timer.schedule(() -> result.completeExceptionally(late.get()), limit.toNanos(), TimeUnit.NANOSECONDS);
        onEnd(result, (value, failure) -> alarm.cancel(false));
        return result;
    }
}
