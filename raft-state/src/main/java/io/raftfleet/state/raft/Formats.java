package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.RaftPeer;

/**
 * The newest entry format that all members read, as far as this engine has heard. During a rolling upgrade that is the oldest
 * member's: an entry of a newer one would stop that member. Members that have not answered count as reading the first format.
 *
 * <p>Thread-safe. Asks, at most once a second, only while newer formats are wanted.
 */
final class Formats {
    private static final Duration BETWEEN_QUESTIONS = Duration.ofSeconds(1);

    private final int own;
    private final Map<String, Integer> known = new ConcurrentHashMap<>();
    private final AtomicLong asked = new AtomicLong(System.nanoTime() - BETWEEN_QUESTIONS.toNanos());

    /** @param own newest format that this engine reads */
    Formats(int own) {
        this.own = own;
    }

    /** What may be written now. */
    int agreed(RatisServer server) {
        List<RaftPeer> others = server.otherVoters();
        int agreed = others.stream()
                .mapToInt(p -> known.getOrDefault(p.getId().toString(), 1))
                .reduce(own, Math::min);
        if (agreed < own) {
            ask(server, others);
        }
        return agreed;
    }

    /** For people: who keeps the format from being written. */
    String complaint(RatisServer server, int wanted) {
        List<String> old = server.otherVoters().stream()
                .map(p -> p.getId().toString())
                .filter(id -> known.getOrDefault(id, 1) < wanted)
                .sorted()
                .toList();
        return "An entry has format " + wanted + ", which not all engines read yet: upgrade " + old + " first.";
    }

    private void ask(RatisServer server, List<RaftPeer> others) {
        long before = asked.get();
        long now = System.nanoTime();
        if (now - before < BETWEEN_QUESTIONS.toNanos() || !asked.compareAndSet(before, now)) {
            return;
        }
        for (RaftPeer peer : others) {
            Futures.onEnd(server.peerClient().format(peer), (format, failure) -> {
                if (failure == null) {
                    known.put(peer.getId().toString(), Math.toIntExact(format));
                }
            });
        }
    }
}
