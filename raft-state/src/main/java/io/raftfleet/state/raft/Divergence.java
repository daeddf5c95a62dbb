package io.raftfleet.state.raft;

import com.google.common.collect.Maps;
import com.google.common.io.BaseEncoding;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.ratis.protocol.RaftPeer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the registry's digest with the other engines' at the same indexes of the log: the first entry applied behind each
 * multiple of some number. Engines apply the same entries, so a difference is a bug or broken memory. An engine whose digest
 * differs from one that a majority of the members agrees on quarantines itself; the others say which one is odd.
 *
 * <p>{@link #applied} is the applying thread's; the rest is thread-safe.
 */
final class Divergence {
    private static final Logger LOG = LoggerFactory.getLogger(Divergence.class);
    private static final int KEPT = 16;
    /** Until the others have applied as much. */
    private static final Duration LATER = Duration.ofMillis(500);

    private final String engineId;
    private final long every;
    private final Supplier<Supplier<ByteString>> digest;
    private final Supplier<@Nullable RatisServer> server;
    private final ScheduledExecutorService timer;
    private final Consumer<IOException> quarantine;
    private final NavigableMap<Long, Supplier<ByteString>> own = new ConcurrentSkipListMap<>();
    /** Up to here everybody's digest was seen. Written by whichever thread compares; a lost update repeats a message. */
    private volatile long judged = -1;

    private long last = -1;

    Divergence(
            String engineId,
            long every,
            Supplier<Supplier<ByteString>> digest,
            Supplier<@Nullable RatisServer> server,
            ScheduledExecutorService timer,
            Consumer<IOException> quarantine) {
        this.engineId = engineId;
        this.every = every;
        this.digest = digest;
        this.server = server;
        this.timer = timer;
        this.quarantine = quarantine;
    }

    /** An entry has been applied. Another engine's checkpoint may have been put in place of what was before. */
    @SuppressWarnings("FutureReturnValueIgnored") // comparing reports for itself
    void applied(long index) {
        boolean behind = last >= 0 && index / every > last / every;
        last = index;
        if (behind && !timer.isShutdown()) {
            own.put(index, digest.get());
            while (own.size() > KEPT) {
                own.pollFirstEntry();
            }
            timer.schedule(this::compare, LATER.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** A checkpoint was loaded: what follows need not follow from what was. */
    void restarted() {
        own.clear();
        last = -1;
    }

    /** Digests by index, the newest ones. */
    Map<Long, ByteString> digests() {
        return Map.copyOf(Maps.transformValues(own, Supplier::get));
    }

    private void compare() {
        RatisServer ratis = server.get();
        if (ratis == null) {
            return;
        }
        List<RaftPeer> others = ratis.otherVoters();
        Map<String, CompletableFuture<Map<Long, ByteString>>> answers = new HashMap<>();
        others.forEach(p -> answers.put(p.getId().toString(), ratis.peerClient().digests(p)));
        Futures.onEnd(
                CompletableFuture.allOf(answers.values().stream()
                        .map(a -> a.handle((digests, failure) -> true))
                        .toArray(CompletableFuture[]::new)),
                (done, failure) -> {
                    Map<String, Map<Long, ByteString>> theirs = new HashMap<>();
                    answers.forEach((id, answer) -> {
                        if (!answer.isCompletedExceptionally()) {
                            theirs.put(id, answer.join());
                        }
                    });
                    // The digests stay: others ask for them.
                    own.tailMap(judged, false)
                            .forEach((index, mine) -> judge(index, mine.get(), theirs, others.size() + 1));
                });
    }

    private void judge(long index, ByteString mine, Map<String, Map<Long, ByteString>> theirs, int members) {
        Map<ByteString, Integer> votes = new HashMap<>();
        votes.put(mine, 1);
        theirs.values().forEach(digests -> {
            ByteString other = digests.get(index);
            if (other != null) {
                votes.merge(other, 1, Integer::sum);
            }
        });
        if (votes.values().stream().mapToInt(Integer::intValue).sum() == members) {
            judged = Math.max(judged, index);
        }
        if (votes.size() < 2) {
            return;
        }
        ByteString agreed = votes.entrySet().stream()
                .filter(v -> v.getValue() > members / 2)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse(null);
        if (agreed != null && !agreed.equals(mine)) {
            quarantine.accept(
                    new IOException("The registry of engine '" + engineId + "' differs from the others' at index "
                            + index + ": its digest is " + hex(mine) + ", a majority's is " + hex(agreed)
                            + ". Keep its data directory for whoever looks for the cause, and replace the engine by one with"
                            + " another id (fleetctl cluster replace)."));
            return;
        }
        LOG.error(
                "Engines' registries differ at index {}: this engine {} has {}, the others {}",
                index,
                engineId,
                hex(mine),
                theirs.entrySet().stream()
                        .filter(t -> t.getValue().containsKey(index))
                        .map(t -> t.getKey() + "=" + hex(t.getValue().getOrDefault(index, ByteString.EMPTY)))
                        .toList());
    }

    private static String hex(ByteString digest) {
        return BaseEncoding.base16().lowerCase().encode(digest.toByteArray());
    }
}
