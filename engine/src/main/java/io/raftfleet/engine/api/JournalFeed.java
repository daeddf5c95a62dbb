package io.raftfleet.engine.api;

import io.raftfleet.proto.fleet.JournalRequest;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Journals of units as they grow, for those who ask again and again. What is not asked after for a while is closed. */
public interface JournalFeed {
    /**
     * What there is by now.
     *
     * @param log what to ask after next
     * @param text whole lines, as far as the journal has them; empty when the wait was over
     * @param ended whether nothing more will come; it can't be asked after any more then
     */
    record Lines(String log, String text, boolean ended) {}

    /**
     * Opens a journal for whoever calls, and completes with its first lines. Fails with {@code RESOURCE_EXHAUSTED} when as many are open as
     * may, and with what the journal's machine says is wrong.
     */
    CompletableFuture<Lines> open(JournalRequest request, Duration wait);

    /**
     * Completes once there is more, or the wait is over. Fails with {@code NOT_FOUND} when it is not open here, or was opened by somebody
     * else.
     */
    CompletableFuture<Lines> more(String log, Duration wait);
}
