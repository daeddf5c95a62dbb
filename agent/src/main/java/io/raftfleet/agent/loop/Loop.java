package io.raftfleet.agent.loop;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The owner of everything mutable of one machine's agent: runs tasks one after the other, in the order in which they were
 * handed in, each seeing what those before it did. Tasks must not block.
 */
public interface Loop extends Executor {
    /** Runs {@code task} on this loop as soon as those before it are done. */
    @Override
    void execute(Runnable task);

    /** Runs {@code task} on this loop once {@code delay} has passed. */
    Timer schedule(Duration delay, Runnable task);

    /**
     * Calls {@code then} on this loop once {@code stage} has ended, with its result or with why it failed. As a task of the
     * loop: what it throws is told like what any task throws.
     */
    default <T> void whenDone(
            CompletionStage<T> stage, BiConsumer<? super @Nullable T, ? super @Nullable Throwable> then) {
        stage.whenComplete((result, failure) -> execute(() -> then.accept(result, failure)));
    }

    /** A clock that never goes back, in nanoseconds since some moment of its own. */
    long nanoTime();

    /** A task to come. */
    interface Timer {
        /** Takes the task back; does nothing when it has run. To be called on the loop, which makes it certain. */
        void cancel();
    }
}
