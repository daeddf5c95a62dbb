package io.raftfleet.engine.control;

import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What waits for the decision thread, in two lanes, so that neither clients nor agents can shut the other out. Bounded: what
 * finds its lane full is refused with {@code RESOURCE_EXHAUSTED}; what comes while this engine does not lead is abandoned at
 * once. Guarded by its own lock.
 */
final class WorkQueue {
    enum Lane {
        CLIENTS(10_000),
        AGENTS(100_000);

        final int limit;

        Lane(int limit) {
            this.limit = limit;
        }
    }

    private final Lock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Work> clients = new ArrayDeque<>();
    private final Deque<Work> agents = new ArrayDeque<>();
    /** Term that this engine leads, 0 for none. */
    private long leading;

    void lead(long term) {
        locked(() -> {
            leading = term;
            changed.signalAll();
        });
    }

    boolean leads(long term) {
        lock.lock();
        try {
            return leading == term;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the work waits now; otherwise it has been refused or abandoned. */
    boolean offer(Work work) {
        var lane = work.lane();
        boolean leader;
        boolean full;
        lock.lock();
        try {
            var queue = of(lane);
            leader = leading != 0;
            full = queue.size() >= lane.limit;
            if (leader && !full) {
                queue.addLast(work);
                changed.signalAll();
                return true;
            }
        } finally {
            lock.unlock();
        }
        if (leader) {
            work.refuse(Status.RESOURCE_EXHAUSTED
                    .withDescription("the leader has " + lane.limit + " calls waiting already: try again in a moment")
                    .asRuntimeException());
        } else {
            work.abandon(false, "this engine does not lead");
        }
        return false;
    }

    long awaitLeadership() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (leading == 0) {
                changed.await();
            }
            return leading;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until there is work, the leadership of {@code term} is over, or so many milliseconds are; for ever when they are
     * 0.
     */
    void awaitWork(long term, long millis) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (leading == term && clients.isEmpty() && agents.isEmpty() && (millis == 0 || left > 0)) {
                if (millis == 0) {
                    changed.await();
                } else {
                    left = changed.awaitNanos(left);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits so many milliseconds, or until the leadership of {@code term} is over. */
    void pause(long term, long millis) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (leading == term && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Has waiting work decided until the batch is full: agents' up to about half of it, then clients', then what is left of
     * the agents'. What a work throws passes through; it is the last of {@code decided} then.
     *
     * @param decided gets all that was taken up, in order; what is in the queue no longer
     */
    void decide(Batch batch, Draft draft, long nowMs, List<Work> decided) {
        while (!batch.halfFull() && decideNext(agents, batch, draft, nowMs, decided)) {
            // On to the next.
        }
        while (!batch.full() && decideNext(clients, batch, draft, nowMs, decided)) {
            // On to the next.
        }
        while (!batch.full() && decideNext(agents, batch, draft, nowMs, decided)) {
            // On to the next.
        }
    }

    /** What still has something to be decided goes on first. */
    void putBack(List<Work> decided) {
        locked(() -> {
            for (var work : decided.reversed()) {
                if (work.open()) {
                    of(work.lane()).addFirst(work);
                }
            }
        });
    }

    void abandonAll(String reason) {
        var all = new ArrayList<Work>();
        locked(() -> {
            all.addAll(agents);
            all.addAll(clients);
            agents.clear();
            clients.clear();
        });
        all.forEach(work -> work.abandon(false, reason));
    }

    private Deque<Work> of(Lane lane) {
        return lane == Lane.CLIENTS ? clients : agents;
    }

    private boolean decideNext(Deque<Work> lane, Batch batch, Draft draft, long nowMs, List<Work> decided) {
        @Nullable Work next;
        lock.lock();
        try {
            next = lane.pollFirst();
        } finally {
            lock.unlock();
        }
        if (next == null) {
            return false;
        }
        decided.add(next);
        return next.decide(batch, draft, nowMs);
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }
}
