package io.raftfleet.engine.schedule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A machine as the scheduler knows it: present, lost, or only named by a unit's schedule so far. Owned by {@link
 * Cluster}; {@link MachineClasses} alone changes the load of a present one, which orders it there.
 */
final class MachineEntry {
    /** Fleet's order: fewest units first, global ones counted, then lowest id ({@code engine/scheduler.go}). */
    static final Comparator<MachineEntry> BY_LOAD = (a, b) -> {
        int byLoad = Integer.compare(a.load, b.load);
        return byLoad != 0 ? byLoad : a.id.compareTo(b.id);
    };

    private static final int SHORT_ID = 8;

    final String id;
    Map<String, String> metadata = Map.of();
    boolean present;

    /** Not heard yet since the registry was restored: what it has stays, nothing new comes. Not present. */
    boolean expected;

    /** What operators have said of it; of no effect while it is not present. */
    Upkeep upkeep = Upkeep.NONE;

    /** Whether nothing may stay on it any more: see {@link Drains#overdue}. */
    boolean overdue;

    /** How many units have left it, as it is drained, and have not arrived; besides those that {@link #inherits} says. */
    int moves;

    /** Whether it counts what was under way when the scheduler was made: see {@link Drains#inherit}. */
    boolean inherits;

    /** Units on it that wait until others have arrived. */
    final WaitSet waitingToMove = new WaitSet();

    /** Units on it that are to leave it, and that no other machine admits. */
    final WaitSet stuck = new WaitSet();

    /** How many units are attached, and how many global ones run here. */
    int load;

    /** The global ones of {@link #load}. */
    int globals;

    /** The classes that have this machine; none for one that isn't {@link #open}. */
    final List<MachineClass> classes = new ArrayList<>();

    @Nullable
    UnitEntry firstUnit;

    private @Nullable UnitEntry lastUnit;

    MachineEntry(String id) {
        this.id = id;
    }

    /** Whether it takes units that are not on it. */
    boolean open() {
        return present && !upkeep.cordoned();
    }

    /** What fleet shows of the id, and takes for {@code MachineID}: its first 8 characters. */
    String shortId() {
        return id.length() <= SHORT_ID ? id : id.substring(0, SHORT_ID);
    }

    /** The attached units, oldest first; a copy. */
    List<UnitEntry> units() {
        List<UnitEntry> units = new ArrayList<>(load);
        for (UnitEntry unit = firstUnit; unit != null; unit = unit.next) {
            units.add(unit);
        }
        return units;
    }

    void link(UnitEntry unit) {
        unit.previous = lastUnit;
        if (lastUnit == null) {
            firstUnit = unit;
        } else {
            lastUnit.next = unit;
        }
        lastUnit = unit;
    }

    /** Undoes {@link #unlink}: between those two that were its neighbours. */
    void relink(UnitEntry unit, @Nullable UnitEntry previous, @Nullable UnitEntry next) {
        unit.previous = previous;
        unit.next = next;
        if (previous == null) {
            firstUnit = unit;
        } else {
            previous.next = unit;
        }
        if (next == null) {
            lastUnit = unit;
        } else {
            next.previous = unit;
        }
    }

    void unlink(UnitEntry unit) {
        if (unit.previous == null) {
            firstUnit = unit.next;
        } else {
            unit.previous.next = unit.next;
        }
        if (unit.next == null) {
            lastUnit = unit.previous;
        } else {
            unit.next.previous = unit.previous;
        }
        unit.previous = null;
        unit.next = null;
    }

    @Override
    public String toString() {
        return id;
    }
}
