package io.raftfleet.engine.http;

import java.util.concurrent.CompletableFuture;

/** Answers calls. Runs on an I/O thread: it must not block, and must complete its future within bounded time. */
@FunctionalInterface
public interface HttpHandler {
    CompletableFuture<HttpReply> handle(HttpCall call);
}
