package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.RaftPeer;

/**
 * How much of their heaps the members have for the registry, as far as this engine has heard: what the smallest has is the
 * cluster's quota, so that no follower dies of what a bigger leader took. A member counts with what it said last, also while it is
 * down; one that has never answered, or is older than the question, does not count.
 *
 * <p>Thread-safe. Asks when somebody looks, and at most once a second.
 */
final class Quotas {
    private static final Duration BETWEEN_QUESTIONS = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final long own;
    private final ScheduledExecutorService timer;
    private final Map<String, Long> known = new ConcurrentHashMap<>();
    private final AtomicLong asked = new AtomicLong(System.nanoTime() - BETWEEN_QUESTIONS.toNanos());

    /** @param own bytes of this engine's heap that the registry may take */
    Quotas(long own, ScheduledExecutorService timer) {
        this.own = own;
        this.timer = timer;
    }

    /** The smallest member's, in bytes, as far as is known; the next call may know better. */
    long smallest(RatisServer server) {
        long before = asked.get();
        long now = System.nanoTime();
        if (now - before >= BETWEEN_QUESTIONS.toNanos() && asked.compareAndSet(before, now)) {
            server.otherVoters().forEach(peer -> ask(server, peer));
        }
        return server.otherVoters().stream()
                .mapToLong(peer -> known.getOrDefault(peer.getId().toString(), Long.MAX_VALUE))
                .reduce(own, Math::min);
    }

    private void ask(RatisServer server, RaftPeer peer) {
        Futures.onEnd(
                Futures.within(server.peerClient().quota(peer), PATIENCE, timer, TimeoutException::new),
                (bytes, failure) -> {
                    if (failure == null) {
                        known.put(peer.getId().toString(), bytes);
                    }
                });
    }
}
