package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Asks all other engines that may lead how many entries of their logs they have not applied. */
final class Unapplied {
    private Unapplied() {}

    /** By id, without those that do not say so within the limit. Does not fail. */
    static CompletableFuture<Map<String, Long>> of(RatisServer server, Duration limit, ScheduledExecutorService timer) {
        var told = new ConcurrentHashMap<String, Long>();
        var answers = server.otherVoters().stream()
                .map(peer -> server.peerClient()
                        .unapplied(peer)
                        .thenAccept(entries -> told.put(peer.getId().toString(), entries)))
                .toArray(CompletableFuture[]::new);
        var all = new CompletableFuture<Map<String, Long>>();
        var alarm = timer.schedule(() -> all.complete(Map.copyOf(told)), limit.toNanos(), TimeUnit.NANOSECONDS);
        Futures.onEnd(CompletableFuture.allOf(answers), (done, failure) -> {
            alarm.cancel(false);
            all.complete(Map.copyOf(told));
        });
        return all;
    }
}
