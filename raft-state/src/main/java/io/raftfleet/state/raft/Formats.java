package io.raftfleet.state.raft;

import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.apache.ratis.protocol.RaftPeer;

/**
 * The newest entry format that all members read, as far as this engine has heard. During a rolling upgrade that is the oldest
 * member's: an entry of a newer one would stop that member. Members that have never answered count as reading the first format, but
 * for two cases. What has been applied is read by every member that is to go on, or it stops anyway, so that a format stays once it was
 * written. And in a group in which nothing was ever begun, where nobody has anything to lose, it is enough that a majority has answered:
 * a restoration is to be the same whether the last engine is there already or not.
 *
 * <p>Thread-safe. Asks when a newer format is wanted, and at most once a second when somebody only looks.
 */
final class Formats {
    private static final Duration BETWEEN_QUESTIONS = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final int own;
    private final IntSupplier written;
    private final ScheduledExecutorService timer;
    private final BooleanSupplier begun;
    private final Map<String, Integer> known = new ConcurrentHashMap<>();
    /** Have been asked and did not answer, and never had. */
    private final Set<String> silent = ConcurrentHashMap.newKeySet();

    private final AtomicLong asked = new AtomicLong(System.nanoTime() - BETWEEN_QUESTIONS.toNanos());

    /**
     * @param own newest format that this engine reads
     * @param written newest format of what this engine has applied
     * @param begun whether there is anything in the replicated state
     */
    Formats(int own, IntSupplier written, BooleanSupplier begun, ScheduledExecutorService timer) {
        this.own = own;
        this.written = written;
        this.begun = begun;
        this.timer = timer;
    }

    /** What may be written now, as far as is known; the next call may know better. */
    int agreed(RatisServer server) {
        long before = asked.get();
        long now = System.nanoTime();
        if (now - before >= BETWEEN_QUESTIONS.toNanos() && asked.compareAndSet(before, now)) {
            server.otherVoters().forEach(peer -> Futures.onEnd(ask(server, peer), (format, failure) -> {}));
        }
        return lowest(server);
    }

    /** The same for people: 0 while a member has not answered, which is no answer. */
    int known(RatisServer server) {
        int agreed = agreed(server);
        return server.otherVoters().stream()
                        .allMatch(peer -> known.containsKey(peer.getId().toString()))
                ? agreed
                : 0;
    }

    /**
     * Asks all members now: one may have been exchanged for an older one since it was last asked.
     *
     * @return ends once all have answered, or after three seconds. Fails with {@link Unavailable} when one, by its answer or, if it
     *     does not answer now, its last one, does not read {@code wanted}
     */
    CompletableFuture<Void> require(RatisServer server, int wanted) {
        if (written.getAsInt() >= wanted) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<?>[] answers =
                server.otherVoters().stream().map(peer -> ask(server, peer)).toArray(CompletableFuture<?>[]::new);
        CompletableFuture<Void> result = new CompletableFuture<>();
        Futures.onEnd(CompletableFuture.allOf(answers), (all, failure) -> {
            if (lowest(server) >= wanted) {
                result.complete(null);
            } else {
                result.completeExceptionally(new Unavailable(complaint(server, wanted)));
            }
        });
        return result;
    }

    /** For people: who keeps the format from being written. */
    String complaint(RatisServer server, int wanted) {
        List<String> old = server.peers().stream()
                .map(EnginePeer::id)
                .filter(id -> (id.equals(server.id().toString()) ? own : known.getOrDefault(id, 1)) < wanted)
                .sorted()
                .toList();
        return "This needs entry format " + wanted + ", which not all engines read yet: upgrade " + old
                + " first, or take away their entry_format.";
    }

    private int lowest(RatisServer server) {
        var others = server.otherVoters();
        int lowest = own;
        int unheard = 0;
        for (var peer : others) {
            var id = peer.getId().toString();
            var reads = known.get(id);
            if (reads != null) {
                lowest = Math.min(lowest, reads);
            } else if (silent.contains(id)) {
                unheard++;
            } else {
                lowest = 1;
            }
        }
        boolean enough = unheard == 0 || (2 * unheard < others.size() + 1 && !begun.getAsBoolean());
        return Math.max(enough ? lowest : 1, written.getAsInt());
    }

    private CompletableFuture<Long> ask(RatisServer server, RaftPeer peer) {
        CompletableFuture<Long> answer =
                Futures.within(server.peerClient().format(peer), PATIENCE, timer, TimeoutException::new);
        Futures.onEnd(answer, (format, failure) -> {
            var id = peer.getId().toString();
            if (failure == null) {
                known.put(id, Math.toIntExact(format));
                silent.remove(id);
            } else if (!known.containsKey(id)) {
                silent.add(id);
            }
        });
        return answer;
    }
}
