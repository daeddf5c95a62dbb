package io.raftfleet.state;

import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import java.util.Collection;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Contents by hash, each kept while a unit has it. Guarded by the registry's lock. */
final class ContentsTable {
    private static final class Slot {
        final StoredContents contents;
        int units;
        /** What the last unit of these contents wants: mostly what all of them do. */
        @Nullable
        Requirements wants;

        Slot(StoredContents contents) {
            this.contents = contents;
        }
    }

    private final NavigableMap<UnitHash, Slot> slots = new TreeMap<>();
    private final RowLog rows;
    private final FactIndex facts;

    ContentsTable(RowLog rows, FactIndex facts) {
        this.rows = rows;
        this.facts = facts;
    }

    /** Hashes after {@code hash}, or all when it is null, in their order. */
    Collection<UnitHash> hashesAfter(@Nullable UnitHash hash) {
        return hash == null ? slots.keySet() : slots.tailMap(hash, false).keySet();
    }

    /** When contents were stored; 0 when they are not there. */
    long version(UnitHash hash) {
        var slot = slots.get(hash);
        return slot == null ? 0 : slot.contents.version();
    }

    @Nullable
    String text(UnitHash hash) {
        var slot = slots.get(hash);
        return slot == null ? null : slot.contents.text();
    }

    /** Bytes of the heap that are free once one unit less has it. */
    long freedBy(UnitHash hash) {
        var slot = slots.get(hash);
        return slot == null || slot.units > 1 ? 0 : slot.contents.heapBytes();
    }

    int size() {
        return slots.size();
    }

    void put(StoredContents contents) {
        if (!slots.containsKey(contents.hash())) {
            rows.touch();
            slots.put(contents.hash(), new Slot(contents));
            rows.replaced(null, contents);
            facts.put(Fact.Kind.CONTENTS, contents.hash().toHex(), 0, contents.version());
        }
    }

    void restore(StoredContents contents) {
        slots.put(contents.hash(), new Slot(contents));
        rows.restored(contents);
        facts.restore(Fact.Kind.CONTENTS, contents.hash().toHex(), contents.version());
    }

    /** One more unit has it. Fails when the contents are unknown. */
    void retain(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot == null) {
            throw new IllegalStateException("no contents of hash " + hash.toHex());
        }
        slot.units++;
    }

    /** An object equal to {@code wants} that another unit of these contents has, else the same. */
    Requirements share(UnitHash hash, Requirements wants) {
        var slot = slots.get(hash);
        if (slot == null || wants.equals(Requirements.NONE)) {
            return wants;
        }
        if (slot.wants == null || !slot.wants.equals(wants)) {
            slot.wants = wants;
        }
        return slot.wants;
    }

    /** One unit less has it. */
    void release(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot != null) {
            slot.units--;
            dropIfUnused(hash);
        }
    }

    /** For contents that came without a unit in their entry. */
    void dropIfUnused(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot != null && slot.units == 0) {
            slots.remove(hash);
            rows.replaced(slot.contents, null);
            facts.put(Fact.Kind.CONTENTS, hash.toHex(), slot.contents.version(), 0);
        }
    }

    void clear() {
        slots.clear();
    }
}
