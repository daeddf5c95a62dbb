package io.raftfleet.state;

import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Contents by hash, each kept while a unit has it. Guarded by the registry's lock. */
final class ContentsTable {
    /**
     * @param units how many have them
     * @param wants of the last unit of these contents that asks for something: mostly those of all of them
     */
    private record Slot(StoredContents contents, int units, Requirements wants) {
        Slot(StoredContents contents) {
            this(contents, 0, Requirements.NONE);
        }

        Slot withUnits(int newUnits) {
            return new Slot(contents, newUnits, wants);
        }
    }

    private final LayeredMap<UnitHash, Slot> slots;
    private final RowLog rows;
    private final FactIndex facts;

    ContentsTable(RowLog rows, FactIndex facts) {
        this(LayeredMap.empty(), rows, facts);
    }

    private ContentsTable(LayeredMap<UnitHash, Slot> slots, RowLog rows, FactIndex facts) {
        this.slots = slots;
        this.rows = rows;
        this.facts = facts;
    }

    /** Changes over this table. */
    ContentsTable over(RowLog newRows, FactIndex newFacts) {
        return new ContentsTable(slots.over(), newRows, newFacts);
    }

    /** Hashes after {@code hash}, or all when it is null, in their order. */
    Collection<UnitHash> hashesAfter(@Nullable UnitHash hash) {
        return hash == null ? slots.all().keySet() : slots.all().keysFrom(hash, false);
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
        return slots.all().size();
    }

    void put(StoredContents contents) {
        if (slots.get(contents.hash()) == null) {
            rows.touch();
            put(new Slot(contents));
            rows.replaced(null, contents);
            facts.put(Fact.Kind.CONTENTS, contents.hash().toHex(), 0, contents.version());
        }
    }

    void restore(StoredContents contents) {
        put(new Slot(contents));
        rows.restored(contents);
        facts.restore(Fact.Kind.CONTENTS, contents.hash().toHex(), contents.version());
    }

    /** An equal hash that all units of the same contents share; this one when there are no such contents. */
    UnitHash same(UnitHash hash) {
        var slot = slots.get(hash);
        return slot == null ? hash : slot.contents.hash();
    }

    /** One more unit has it. Fails when the contents are unknown. */
    void retain(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot == null) {
            throw new IllegalStateException("no contents of hash " + hash.toHex());
        }
        put(slot.withUnits(slot.units + 1));
    }

    /** What these facts stand for: one object for all units of the same contents where they are equal, as they mostly are. */
    Requirements wants(UnitHash hash, UnitFacts facts) {
        var slot = slots.get(hash);
        if (slot != null && slot.wants.facts().equals(facts)) {
            return slot.wants;
        }
        var wants = Requirements.of(facts);
        if (slot != null && !wants.equals(Requirements.NONE)) {
            put(new Slot(slot.contents, slot.units, wants));
        }
        return wants;
    }

    /** One unit less has it. */
    void release(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot != null) {
            put(slot.withUnits(slot.units - 1));
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

    /** Under the hash that the contents have: another equal one would be kept beside it. */
    private void put(Slot slot) {
        slots.put(slot.contents.hash(), slot);
    }
}
