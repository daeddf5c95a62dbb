package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is to be noted in the journal, gathered into one write for many units. What could not be written is kept, and written with what comes
 * next, or after a pause: an older note that stays on the disk would have a restarted agent believe that a start was on its way.
 *
 * <p>Owned by the machine's loop.
 */
final class JournalNotes {
    private static final Logger log = LoggerFactory.getLogger(JournalNotes.class);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    /** Longest of the pauses, which double. */
    private static final int LONGEST_SHIFT = 5;

    private final Loop loop;
    private final Journal journal;
    private final Set<ManagedUnit> changed = new LinkedHashSet<>();
    private final Set<String> forgotten = new LinkedHashSet<>();
    private final List<Batch> underWay = new ArrayList<>();
    private int failures;
    private Loop.@Nullable Timer retry;

    /** One write: units whose entries it has, and names that it takes out; neither has what has become of no use meanwhile. */
    private static final class Batch {
        final Set<ManagedUnit> units;
        final Set<String> names;

        Batch(Set<ManagedUnit> units, Set<String> names) {
            this.units = new LinkedHashSet<>(units);
            this.names = new LinkedHashSet<>(names);
        }
    }

    JournalNotes(Loop loop, Journal journal) {
        this.loop = loop;
        this.journal = journal;
    }

    /** The unit's entry is another than before. */
    void add(ManagedUnit unit) {
        changed.add(unit);
        forgotten.remove(unit.name);
        underWay.forEach(batch -> batch.names.remove(unit.name));
    }

    /** Writes what was added. */
    void write() {
        if (!changed.isEmpty() || !forgotten.isEmpty()) {
            var unused = send(false);
        }
    }

    /** Writes what was added; the future ends when it would outlast a power loss. */
    CompletableFuture<Void> writeDurably() {
        return send(true);
    }

    /** These units need not be remembered any more. */
    void forget(Collection<String> names) {
        changed.removeIf(unit -> names.contains(unit.name));
        underWay.forEach(batch -> batch.units.removeIf(unit -> names.contains(unit.name)));
        forgotten.addAll(names);
        write();
    }

    private CompletableFuture<Void> send(boolean durable) {
        if (retry != null) {
            retry.cancel();
            retry = null;
        }
        var batch = new Batch(changed, forgotten);
        changed.clear();
        forgotten.clear();
        underWay.add(batch);
        CompletableFuture<Void> written = journal.write(
                batch.units.stream().map(ManagedUnit::toEntry).toList(), List.copyOf(batch.names), durable);
        loop.whenDone(written, (none, failure) -> ended(batch, failure));
        return written;
    }

    /** Says once that the journal can't be written; what depends on it fails by itself. */
    private void ended(Batch batch, @Nullable Throwable failure) {
        underWay.remove(batch);
        if (failure == null) {
            failures = 0;
            return;
        }
        if (failures == 0) {
            log.error("{}", Steps.reason(failure));
        }
        changed.addAll(batch.units);
        forgotten.addAll(batch.names);
        if (retry == null) {
            retry = loop.schedule(FIRST_PAUSE.multipliedBy(1L << Math.min(failures, LONGEST_SHIFT)), this::again);
        }
        failures++;
    }

    private void again() {
        retry = null;
        write();
    }
}
