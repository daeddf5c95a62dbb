package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Jobs for the manager, at most so many at the same time, the others in order. Owned by the machine's loop. */
final class JobPipeline {
    private record Job(Supplier<CompletableFuture<Void>> issue, Consumer<@Nullable Throwable> end) {}

    private final Loop loop;
    private final int limit;
    private final ArrayDeque<Job> waiting = new ArrayDeque<>();
    private int running;

    JobPipeline(Loop loop, int limit) {
        this.loop = loop;
        this.limit = limit;
    }

    /** Issues a job when its turn comes; {@code end} is called on the loop, with null when it went well. */
    void run(Supplier<CompletableFuture<Void>> issue, Consumer<@Nullable Throwable> end) {
        waiting.addLast(new Job(issue, end));
        issue();
    }

    private void issue() {
        while (running < limit && !waiting.isEmpty()) {
            Job job = waiting.removeFirst();
            running++;
            loop.whenDone(ordered(job.issue()), (none, failure) -> {
                running--;
                job.end().accept(failure);
                issue();
            });
        }
    }

    /** An order to a manager; one that throws fails like one whose future does. */
    static CompletableFuture<Void> ordered(Supplier<CompletableFuture<Void>> order) {
        try {
            return order.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
