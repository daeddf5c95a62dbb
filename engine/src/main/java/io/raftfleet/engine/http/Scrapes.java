package io.raftfleet.engine.http;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Scrapes of the metrics, one at a time, on a thread of their own while somebody waits for one: however many ask, a scrape that has not
 * begun yet answers them all, and the threads that serve connections go on. Guarded by its own monitor.
 */
final class Scrapes {
    private final Supplier<ByteString> scrape;

    /** Has not begun; null when nobody waits for one. */
    @GuardedBy("this")
    private @Nullable CompletableFuture<ByteString> waiting;

    @GuardedBy("this")
    private boolean running;

    /** @param scrape may take its time, and fail */
    Scrapes(Supplier<ByteString> scrape) {
        this.scrape = scrape;
    }

    /** The next one that begins: what had happened when it was asked for is in it. */
    synchronized CompletableFuture<ByteString> next() {
        var next = waiting;
        if (next == null) {
            next = new CompletableFuture<>();
            waiting = next;
        }
        if (!running) {
            running = true;
            Thread.ofPlatform().daemon().name("scrape").start(this::run);
        }
        return next.copy();
    }

    private void run() {
        for (var next = begin(); next != null; next = begin()) {
            try {
                next.complete(scrape.get());
            } catch (RuntimeException e) {
                next.completeExceptionally(e);
            }
        }
    }

    private synchronized @Nullable CompletableFuture<ByteString> begin() {
        var next = waiting;
        waiting = null;
        running = next != null;
        return next;
    }
}
