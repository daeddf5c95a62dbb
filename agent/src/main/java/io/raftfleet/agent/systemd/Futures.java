package io.raftfleet.agent.systemd;

import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What {@link CompletableFuture} lacks. */
final class Futures {
    private static final Logger LOG = LoggerFactory.getLogger(Futures.class);

    private Futures() {}

    /** A failure without the wrappers that futures put around it. */
    static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** For calls about single units that may be gone: instead of an error this, but a lost connection stays a failure. */
    static <T> CompletableFuture<T> unlessLost(Throwable failure, T instead) {
        return cause(failure) instanceof BusException error && !error.isFateUnknown()
                ? CompletableFuture.completedFuture(instead)
                : CompletableFuture.failedFuture(failure);
    }

    /** Completes when all have; fails when one did. */
    static CompletableFuture<Void> all(Collection<? extends CompletableFuture<?>> futures) {
        return CompletableFuture.allOf(futures.toArray(CompletableFuture<?>[]::new));
    }

    /** Has a thread see to a call's outcome: its result, or its failure without wrappers. */
    static <T> void handle(
            CompletableFuture<T> call, Executor thread, Consumer<T> onResult, Consumer<Throwable> onFailure) {
        var ignored = call.whenCompleteAsync(
                (result, failure) -> {
                    try {
                        if (failure == null) {
                            onResult.accept(result);
                        } else {
                            onFailure.accept(cause(failure));
                        }
                    } catch (RuntimeException bug) {
                        LOG.error("the outcome of a call to systemd could not be handled", bug);
                    }
                },
                thread);
    }
}
