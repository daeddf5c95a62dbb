package io.raftfleet.state;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Unit files as they were submitted, by digest, each kept while a unit has it. Guarded by the registry's lock. */
final class SourceTable {
    /** @param units how many have it */
    private record Slot(StoredSource source, int units) {}

    private final LayeredMap<String, Slot> slots;
    private final RowLog rows;
    private final FactIndex facts;

    SourceTable(RowLog rows, FactIndex facts) {
        this(LayeredMap.empty(), rows, facts);
    }

    private SourceTable(LayeredMap<String, Slot> slots, RowLog rows, FactIndex facts) {
        this.slots = slots;
        this.rows = rows;
        this.facts = facts;
    }

    /** Changes over this table. */
    SourceTable over(RowLog newRows, FactIndex newFacts) {
        return new SourceTable(slots.over(), newRows, newFacts);
    }

    /** Digests after another one, or all after the empty text, in their order. */
    Collection<String> digestsAfter(String digest) {
        return slots.all().keysFrom(digest, false);
    }

    /** The file of that digest; null when it is not there. */
    @Nullable
    StoredSource get(String digest) {
        var slot = slots.get(digest);
        return slot == null ? null : slot.source;
    }

    /** Bytes of the heap that are free once one unit less has it. */
    long freedBy(@Nullable String digest) {
        var slot = digest == null ? null : slots.get(digest);
        return slot == null || slot.units > 1 ? 0 : slot.source.heapBytes();
    }

    void put(StoredSource source) {
        if (slots.get(source.digest()) == null) {
            rows.touch();
            put(new Slot(source, 0));
            rows.replaced(null, source);
            facts.put(Fact.Kind.SOURCE, source.digest(), 0, source.version());
        }
    }

    void restore(StoredSource source) {
        put(new Slot(source, 0));
        rows.restored(source);
        facts.restore(Fact.Kind.SOURCE, source.digest(), source.version());
    }

    /** One more unit has it. Fails when it is unknown. */
    void retain(@Nullable String digest) {
        if (digest != null) {
            var slot = slots.get(digest);
            if (slot == null) {
                throw new IllegalStateException("no unit file of digest " + digest);
            }
            put(new Slot(slot.source, slot.units + 1));
        }
    }

    /** One unit less has it. */
    void release(@Nullable String digest) {
        var slot = digest == null ? null : slots.get(digest);
        if (digest != null && slot != null) {
            put(new Slot(slot.source, slot.units - 1));
            dropIfUnused(digest);
        }
    }

    /** For a file that came without a unit in its entry. */
    void dropIfUnused(String digest) {
        var slot = slots.get(digest);
        if (slot != null && slot.units == 0) {
            slots.remove(digest);
            rows.replaced(slot.source, null);
            facts.put(Fact.Kind.SOURCE, digest, slot.source.version(), 0);
        }
    }

    void clear() {
        slots.clear();
    }

    /** Under the digest that the file has: another equal one would be kept beside it. */
    private void put(Slot slot) {
        slots.put(slot.source.digest(), slot);
    }
}
