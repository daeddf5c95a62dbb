package io.raftfleet.engine.server;

import io.raftfleet.settings.service.Progress;
import io.raftfleet.settings.service.Watchdog;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Threads that build answers to reads. What waits for them are calls that were admitted. Safe for use by any thread. */
final class ReadThreads implements Executor, AutoCloseable {
    private final ThreadPoolExecutor threads;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();

    /** @param number how many answers are built at a time */
    ReadThreads(int number) {
        threads = new ThreadPoolExecutor(
                number,
                number,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("reads-", 0).factory());
    }

    @Override
    public void execute(Runnable read) {
        taken.incrementAndGet();
        threads.execute(() -> {
            try {
                read.run();
            } finally {
                ended.incrementAndGet();
            }
        });
    }

    /**
     * For the watchdog: reads end, one after the other, while there are any. However many wait, and however slow each is, as long as one
     * ends from one look to the next they go on; a question of the watchdog's own would wait behind them all.
     */
    Watchdog.Part progress() {
        return new Progress("reading", () -> {
            long now = ended.get();
            return now == taken.get() ? Progress.RESTS : now;
        });
    }

    /** Whoever waits for an answer gets none. */
    @Override
    public void close() {
        threads.shutdownNow();
    }
}
