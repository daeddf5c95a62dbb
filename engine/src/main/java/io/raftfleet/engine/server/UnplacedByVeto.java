package io.raftfleet.engine.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How many units no machine has though one should, by what keeps them off: of each unit the requirement that leaves the fewest machines. For
 * metrics, so what it costs is bounded however many units wait: the first {@value #MOST} are looked at, {@value #AT_ONCE} in one turn of the
 * decision thread, and at most once in {@value #FRESH_SECONDS} s. The others are counted as {@value #UNCOUNTED}.
 *
 * <p>Guarded by its own lock: who asks meanwhile waits for the same answer.
 */
final class UnplacedByVeto {
    static final String UNCOUNTED = "uncounted";

    /** Of units that are about to be placed. */
    static final String NONE = "none";

    private static final String OTHER = "other";
    static final int MOST = 200;
    static final int AT_ONCE = 10;
    static final int FRESH_SECONDS = 10;
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** By what stands before the "=" of a veto's requirement. */
    private static final Map<String, String> KINDS = Map.of(
            "", "no_machine",
            "MachineID", "machine_id",
            "MachineMetadata", "machine_metadata",
            "MachineOf", "machine_of",
            "Conflicts", "conflicts",
            "Replaces", "replaces",
            "cordon", "cordon");

    private final Supplier<Waiting> waiting;
    private final BooleanSupplier leading;
    private final Function<Collection<String>, CompletableFuture<Map<String, List<Veto>>>> reasons;
    private final LongSupplier nanos;

    @GuardedBy("this")
    private Map<String, Integer> last = Map.of();

    @GuardedBy("this")
    private long countedAt;

    UnplacedByVeto(
            Supplier<Waiting> waiting,
            BooleanSupplier leading,
            Function<Collection<String>, CompletableFuture<Map<String, List<Veto>>>> reasons,
            LongSupplier nanos) {
        this.waiting = waiting;
        this.leading = leading;
        this.reasons = reasons;
        this.nanos = nanos;
    }

    /** Every kind with its count, which together are all such units; nothing where this engine does not lead. */
    synchronized Map<String, Integer> counts() {
        if (!leading.getAsBoolean()) {
            last = Map.of();
            return last;
        }
        long now = nanos.getAsLong();
        if (last.isEmpty() || now - countedAt >= TimeUnit.SECONDS.toNanos(FRESH_SECONDS)) {
            last = count(now + PATIENCE.toNanos());
            countedAt = now;
        }
        return last;
    }

    /**
     * Units that wait for a machine.
     *
     * @param first names of the first of them, at most {@value #MOST}
     * @param all how many there are
     */
    record Waiting(List<String> first, int all) {
        static Waiting in(Registry registry) {
            return registry.read(view -> new Waiting(
                    view.unplaced().keySet().stream().limit(MOST).toList(),
                    view.unplaced().size()));
        }
    }

    private Map<String, Integer> count(long deadline) {
        Waiting now = waiting.get();
        var counts = new LinkedHashMap<String, Integer>();
        KINDS.values().stream().sorted().forEach(kind -> counts.put(kind, 0));
        counts.put(OTHER, 0);
        counts.put(NONE, 0);
        counts.put(UNCOUNTED, now.all() - now.first().size());
        for (int from = 0; from < now.first().size(); from += AT_ONCE) {
            List<String> some = now.first()
                    .subList(from, Math.min(from + AT_ONCE, now.first().size()));
            Map<String, List<Veto>> found = explained(some, deadline);
            if (found == null) {
                counts.merge(UNCOUNTED, now.first().size() - from, Integer::sum);
                break;
            }
            some.forEach(unit -> counts.merge(kind(found.getOrDefault(unit, List.of())), 1, Integer::sum));
        }
        return counts;
    }

    /** Null when there is no answer in time, or none any more as this engine leads no longer. */
    private @Nullable Map<String, List<Veto>> explained(List<String> units, long deadline) {
        var found = reasons.apply(units);
        try {
            return found.get(Math.max(0, deadline - nanos.getAsLong()), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        } finally {
            found.cancel(false); // Nobody waits for it any more.
        }
    }

    private static String kind(List<Veto> vetoes) {
        return vetoes.stream()
                .min(Comparator.comparingInt(Veto::getMatching))
                .map(veto -> KINDS.getOrDefault(veto.getRequirement().split("=", 2)[0], OTHER))
                .orElse(NONE);
    }
}
