package io.raftfleet.engine.schedule;

import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pending units that one kind of change could help, in the order in which they came. Also serves as any other set of
 * units that is mostly empty. Owned by {@link Cluster}.
 */
final class WaitSet implements Iterable<UnitEntry> {
    private @Nullable LinkedHashSet<UnitEntry> units;

    boolean add(UnitEntry unit) {
        if (units == null) {
            units = new LinkedHashSet<>(4);
        }
        return units.add(unit);
    }

    void remove(UnitEntry unit) {
        if (units != null && units.remove(unit) && units.isEmpty()) {
            units = null;
        }
    }

    /** The units, in their order. */
    List<UnitEntry> copy() {
        return units == null ? List.of() : List.copyOf(units);
    }

    /** Has these units again, in this order. */
    void restore(List<UnitEntry> before) {
        units = before.isEmpty() ? null : new LinkedHashSet<>(before);
    }

    boolean contains(UnitEntry unit) {
        return units != null && units.contains(unit);
    }

    boolean isEmpty() {
        return units == null;
    }

    @Override
    public Iterator<UnitEntry> iterator() {
        return units == null ? Collections.emptyIterator() : units.iterator();
    }
}
