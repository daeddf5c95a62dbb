package io.raftfleet.engine.control;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The leaderships that a controller has begun. */
final class Terms implements Controller.LeadershipListener {
    private final LinkedBlockingQueue<Long> begun = new LinkedBlockingQueue<>();

    @Override
    public void leading(long term) {
        begun.add(term);
    }

    @Override
    public void resigned(long term) {}

    /** Waits until the next has begun. */
    long next() throws InterruptedException {
        @Nullable Long term = begun.poll(30, TimeUnit.SECONDS);
        if (term == null) {
            throw new AssertionError("no leadership has begun");
        }
        return term;
    }
}
