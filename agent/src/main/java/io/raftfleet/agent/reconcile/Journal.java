package io.raftfleet.agent.reconcile;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Remembers orders and what was done of them beyond the agent's process. */
public interface Journal extends AutoCloseable {
    /** Everything that was noted and not forgotten; read once, at the start. */
    List<JournalEntry> load();

    /**
     * Notes {@code puts}, each in place of the unit's entry before, and forgets {@code removes}. Calls take effect in order.
     * The future fails with an {@link java.io.IOException} that says what to do when nothing could be noted.
     *
     * @param durable the future completes only when this and all before it would outlast a power loss
     */
    CompletableFuture<Void> write(Collection<JournalEntry> puts, Collection<String> removes, boolean durable);

    /** Ends it; what was written before is noted. */
    @Override
    void close();

    /** A journal for machines that live as long as their process. */
    static Journal inMemory() {
        return new Journal() {
            @Override
            public List<JournalEntry> load() {
                return List.of();
            }

            @Override
            public CompletableFuture<Void> write(
                    Collection<JournalEntry> puts, Collection<String> removes, boolean durable) {
                return CompletableFuture.completedFuture(null);
            }

            @Override
            public void close() {}
        };
    }
}
