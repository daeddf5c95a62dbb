package io.raftfleet.state;

import io.raftfleet.unit.UnitHash;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Contents by hash, each kept while a unit has it. Guarded by the registry's lock. */
final class ContentsTable {
    private static final class Slot {
        final StoredContents contents;
        int units;

        Slot(StoredContents contents) {
            this.contents = contents;
        }
    }

    private final Map<UnitHash, Slot> slots = new HashMap<>();
    private final RowLog rows;

    ContentsTable(RowLog rows) {
        this.rows = rows;
    }

    @Nullable
    String text(UnitHash hash) {
        var slot = slots.get(hash);
        return slot == null ? null : slot.contents.text();
    }

    int size() {
        return slots.size();
    }

    void put(StoredContents contents) {
        if (!slots.containsKey(contents.hash())) {
            slots.put(contents.hash(), new Slot(contents));
            rows.replaced(null, contents);
        }
    }

    void restore(StoredContents contents) {
        slots.put(contents.hash(), new Slot(contents));
        rows.restored(contents);
    }

    /** One more unit has it. Fails when the contents are unknown. */
    void retain(UnitHash hash) {
        var slot = slots.get(hash);
        if (slot == null) {
            throw new IllegalStateException("no contents of hash " + hash.toHex());
        }
        slot.units++;
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
        }
    }

    void clear() {
        slots.clear();
    }
}
