package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The index applied last, and who waits for one. Advanced by the thread that applies; guarded by its own lock. */
final class AppliedIndex {

    @GuardedBy("this")
    private final TreeMap<Long, CompletableFuture<Long>> waiters = new TreeMap<>();

    private volatile long applied;

    long get() {
        return applied;
    }

    /** Everything up to {@code index} has been applied. */
    void advance(long index) {
        List<CompletableFuture<Long>> due = List.of();
        synchronized (this) {
            applied = index;
            if (!waiters.isEmpty() && waiters.firstKey() <= index) {
                Map<Long, CompletableFuture<Long>> head = waiters.headMap(index, true);
                due = new ArrayList<>(head.values());
                head.clear();
            }
        }
        due.forEach(w -> w.complete(index));
    }

    /** Completes once {@code index} has been applied. Waiters for one index share a future: at most as many as indexes. */
    synchronized CompletableFuture<Long> await(long index) {
        if (applied >= index) {
            return CompletableFuture.completedFuture(applied);
        }
        return waiters.computeIfAbsent(index, i -> new CompletableFuture<>());
    }
}
