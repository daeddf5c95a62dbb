package io.raftfleet.engine.http;

import java.util.concurrent.atomic.AtomicLong;

/** How many bytes the bodies of all requests in flight may take together. Shared by all connections; lock-free. */
final class BodyBudget {
    private final AtomicLong left;

    BodyBudget(long bytes) {
        left = new AtomicLong(bytes);
    }

    /** False, and nothing taken, when that many are not left. */
    boolean tryTake(long bytes) {
        long now = left.get();
        while (now >= bytes) {
            if (left.compareAndSet(now, now - bytes)) {
                return true;
            }
            now = left.get();
        }
        return false;
    }

    void giveBack(long bytes) {
        left.addAndGet(bytes);
    }
}
