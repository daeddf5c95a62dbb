package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is to be noted in the journal, gathered into one write for many units. Owned by the machine's loop. */
final class JournalNotes {
    private static final Logger log = LoggerFactory.getLogger(JournalNotes.class);

    private final Loop loop;
    private final Journal journal;
    private final Set<ManagedUnit> changed = new LinkedHashSet<>();
    private boolean broken;

    JournalNotes(Loop loop, Journal journal) {
        this.loop = loop;
        this.journal = journal;
    }

    /** The unit's entry is another than before. */
    void add(ManagedUnit unit) {
        changed.add(unit);
    }

    /** Writes what was added. */
    void write() {
        if (!changed.isEmpty()) {
            watch(journal.write(take(), List.of(), false));
        }
    }

    /** Writes what was added; the future ends when it would outlast a power loss. */
    CompletableFuture<Void> writeDurably() {
        CompletableFuture<Void> written = journal.write(take(), List.of(), true);
        watch(written);
        return written;
    }

    /** These units need not be remembered any more. */
    void forget(Collection<String> names) {
        changed.removeIf(unit -> names.contains(unit.name));
        watch(journal.write(List.of(), names, false));
    }

    private List<JournalEntry> take() {
        List<JournalEntry> entries = changed.stream().map(ManagedUnit::toEntry).toList();
        changed.clear();
        return entries;
    }

    /** Says once that the journal can't be written; what depends on it fails by itself. */
    private void watch(CompletableFuture<Void> written) {
        loop.whenDone(written, (none, failure) -> {
            if (failure != null && !broken) {
                log.error("{}", Steps.reason(failure));
            }
            broken = failure != null;
        });
    }
}
