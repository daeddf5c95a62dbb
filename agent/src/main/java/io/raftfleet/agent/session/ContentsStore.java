package io.raftfleet.agent.session;

import com.google.common.cache.Cache;
import com.google.common.cache.CacheBuilder;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Unit files by hash, shared by all machines of the process: what one machine fetched or found installed no other fetches
 * again, and a hash that is on its way is waited for. Bounded; what it forgot is fetched again. Safe for use by any thread.
 */
public final class ContentsStore {
    private final Cache<UnitHash, UnitFile> kept;
    private final ConcurrentHashMap<UnitHash, CompletableFuture<UnitFile>> coming = new ConcurrentHashMap<>();

    /**
     * A store that forgets the least recently used files above {@code maxCharacters} characters of contents in all.
     */
    public ContentsStore(long maxCharacters) {
        kept = CacheBuilder.newBuilder()
                .maximumWeight(maxCharacters)
                .concurrencyLevel(1)
                .<UnitHash, UnitFile>weigher((hash, file) -> 64 + file.text().length())
                .build();
    }

    /** The file, when it is here. */
    public @Nullable UnitFile find(UnitHash hash) {
        return kept.getIfPresent(hash);
    }

    /** Keeps a file; returns the equal one that is here already, so that equal contents share memory. */
    public UnitFile keep(UnitFile file) {
        UnitFile before = kept.getIfPresent(file.hash());
        if (before != null) {
            return before;
        }
        kept.put(file.hash(), file);
        return file;
    }

    /**
     * The files of these hashes. Those that are neither here nor on their way are asked from {@code source}, in one call.
     *
     * @param source gives for each hash a future that ends in any case
     */
    public Map<UnitHash, CompletableFuture<UnitFile>> get(
            Collection<UnitHash> hashes, Function<List<UnitHash>, Map<UnitHash, CompletableFuture<UnitFile>>> source) {
        Map<UnitHash, CompletableFuture<UnitFile>> answers = new HashMap<>();
        List<UnitHash> missing = new ArrayList<>();
        for (UnitHash hash : hashes) {
            UnitFile here = kept.getIfPresent(hash);
            if (here != null) {
                answers.put(hash, CompletableFuture.completedFuture(here));
                continue;
            }
            CompletableFuture<UnitFile> mine = new CompletableFuture<>();
            CompletableFuture<UnitFile> before = coming.putIfAbsent(hash, mine);
            answers.put(hash, before == null ? mine : before);
            if (before != null) {
                continue;
            }
            UnitFile arrived = kept.getIfPresent(hash);
            if (arrived == null) {
                missing.add(hash);
            } else {
                // It came between the two looks.
                arrived(hash, arrived, null);
            }
        }
        if (!missing.isEmpty()) {
            Map<UnitHash, CompletableFuture<UnitFile>> fetched = source.apply(missing);
            for (UnitHash hash : missing) {
                CompletionStage<UnitFile> answer = fetched.getOrDefault(hash, absent(hash));
                answer.whenComplete((file, failure) -> arrived(hash, file, failure));
            }
        }
        return answers;
    }

    private void arrived(UnitHash hash, @Nullable UnitFile file, @Nullable Throwable failure) {
        UnitFile shared = file == null ? null : keep(file);
        CompletableFuture<UnitFile> waiting = coming.remove(hash);
        if (waiting == null) {
            return;
        }
        if (shared != null) {
            waiting.complete(shared);
        } else {
            waiting.completeExceptionally(
                    failure == null ? new IllegalStateException("contents " + hash.toHex() + " came empty") : failure);
        }
    }

    private static CompletableFuture<UnitFile> absent(UnitHash hash) {
        return CompletableFuture.failedFuture(new IllegalStateException("contents " + hash.toHex() + " were not sent"));
    }
}
