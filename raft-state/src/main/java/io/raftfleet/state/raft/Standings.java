package io.raftfleet.state.raft;

import io.raftfleet.state.raft.PeerMessages.Standing;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** Asks all other voters how fit they are to lead. */
final class Standings {
    private Standings() {}

    /** By id, without those that did not say so within the limit. Does not fail. */
    static CompletableFuture<Map<String, Standing>> of(RatisServer server, Duration limit) {
        var told = new ConcurrentHashMap<String, Standing>();
        var answers = server.otherVoters().stream()
                .map(peer -> server.peerClient()
                        .standing(peer)
                        .thenAccept(standing -> told.put(peer.getId().toString(), standing))
                        .exceptionally(silent -> null))
                .toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(answers)
                .completeOnTimeout(null, limit.toMillis(), TimeUnit.MILLISECONDS)
                .thenApply(done -> Map.copyOf(told));
    }
}
