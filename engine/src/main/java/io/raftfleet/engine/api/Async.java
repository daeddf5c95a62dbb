package io.raftfleet.engine.api;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Acting on futures without losing what goes wrong while acting. */
public final class Async {
    private static final Logger log = LoggerFactory.getLogger(Async.class);

    private Async() {}

    /** Calls back with the result, or with the failure itself and not what wraps it; logs what the callback throws. */
    public static <T extends @Nullable Object> void whenDone(
            CompletableFuture<T> future, BiConsumer<T, @Nullable Throwable> callback) {
        var unused = future.whenComplete((result, failure) -> {
            try {
                callback.accept(result, failure == null ? null : cause(failure));
            } catch (RuntimeException e) {
                log.error("acting on the outcome of a call failed", e);
            }
        });
    }

    /** The failure itself, without the wrapper that stages of a future put around it. */
    public static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
