package io.raftfleet.state;

import io.raftfleet.unit.GlobalUnits;
import io.raftfleet.unit.Requirements;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which machines are to have which units: indexes over units, by the machine that they are scheduled to, and of those that are
 * global or wait for a machine. Guarded by the registry's lock.
 */
final class AssignmentTable {
    private final Map<String, SortedRows<String, String>> byMachine = new HashMap<>();
    /** Global units that are wanted, with what they ask of machines. */
    private final NavigableMap<String, Global> globals = new TreeMap<>();
    /** Those of them that name others that they conflict with. */
    private final NavigableMap<String, Global> declaring = new TreeMap<>();
    /** Units that are to be on a machine, and are scheduled to none. */
    private final SortedRows<String, UnitRecord> unplaced = SortedRows.byKey();
    /** What units ask for that are scheduled and name others that they conflict with: by machine, then name. */
    private final Map<String, Map<String, Requirements>> conflicting = new HashMap<>();

    private final MachineTable machines;
    private final GlobalUnits<Global, MachineRecord> globalUnits = new GlobalUnits<>() {
        @Override
        protected Iterable<Global> wanted() {
            return globals.values();
        }

        @Override
        protected Iterable<Global> declaring() {
            return declaring.values();
        }

        @Override
        protected String name(Global global) {
            return global.name();
        }

        @Override
        protected Requirements wants(Global global) {
            return global.wants();
        }

        @Override
        protected boolean admits(Global global, MachineRecord machine) {
            return !machine.mark().endsGlobals() && global.wants().admits(machine.metadata());
        }

        @Override
        protected boolean conflictsWithScheduled(Global global, MachineRecord machine) {
            return conflicts(global, machine.id());
        }
    };

    /** A global unit that is wanted. */
    record Global(String name, Requirements wants) {}

    AssignmentTable(MachineTable machines) {
        this.machines = machines;
    }

    Set<String> scheduledTo(String machineId) {
        var names = byMachine.get(machineId);
        return names == null ? Set.of() : names.keySet();
    }

    Collection<String> wantedGlobals() {
        return Collections.unmodifiableSet(globals.keySet());
    }

    /** The same with what they ask of machines, in the order of their names. */
    Collection<Global> globals() {
        return Collections.unmodifiableCollection(globals.values());
    }

    /** Units that are to be on a machine, and are scheduled to none, by name; global ones not among them. */
    SortedRows<String, UnitRecord> unplaced() {
        return unplaced;
    }

    /** A unit has taken the place of {@code before}, or is gone. */
    void replaced(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (before != null) {
            unlink(before);
        }
        if (after != null) {
            link(after);
        }
    }

    /** Machines that are to have this unit: the one that it is scheduled to; of a global unit see {@link #globalsOn}. */
    Set<String> machines(@Nullable UnitRecord unit) {
        if (unit == null || !unit.wanted()) {
            return Set.of();
        }
        if (!unit.global()) {
            return unit.machineId() == null ? Set.of() : Set.of(unit.machineId());
        }
        var admitted = new TreeSet<String>();
        for (var machine : machines.all().values()) {
            if (assigned(unit, machine)) {
                admitted.add(machine.id());
            }
        }
        return admitted;
    }

    /** Whether a wanted unit is to be on this machine. */
    boolean assigned(UnitRecord unit, MachineRecord machine) {
        if (!unit.wanted()) {
            return false;
        }
        if (!unit.global()) {
            return machine.id().equals(unit.machineId());
        }
        var global = globals.get(unit.name());
        return global != null && globalUnits.runsOn(global, machine);
    }

    /** Names of wanted global units that a machine is to have, a lost one too: see {@link GlobalUnits}. */
    Set<String> globalsOn(MachineRecord machine) {
        var names = new TreeSet<String>();
        globalUnits.on(machine).forEach(global -> names.add(global.name()));
        return names;
    }

    /** Whether changing this unit may change which other units, global ones, machines are to have: it conflicts with one of them. */
    boolean movesGlobals(@Nullable UnitRecord unit) {
        return unit != null && conflicts(unit, globals.values(), declaring.values());
    }

    /**
     * Whether a unit may not share a machine with one of these global ones.
     *
     * @param declaring those of them that name others that they conflict with
     */
    static boolean conflicts(UnitRecord unit, Collection<Global> globals, Collection<Global> declaring) {
        for (var other : unit.wants().conflicts().isEmpty() ? declaring : globals) {
            if (!other.name().equals(unit.name())
                    && Requirements.conflict(unit.name(), unit.wants(), other.name(), other.wants())) {
                return true;
            }
        }
        return false;
    }

    private boolean conflicts(Global global, String machineId) {
        for (var wants : conflicting.getOrDefault(machineId, Map.of()).values()) {
            if (wants.conflictsWith(global.name())) {
                return true;
            }
        }
        return !global.wants().conflicts().isEmpty()
                && scheduledTo(machineId).stream().anyMatch(global.wants()::conflictsWith);
    }

    void clear() {
        byMachine.clear();
        globals.clear();
        declaring.clear();
        unplaced.deleteAll();
        conflicting.clear();
    }

    private void unlink(UnitRecord unit) {
        if (unit.global() && unit.wanted()) {
            globals.remove(unit.name());
            declaring.remove(unit.name());
        } else if (unit.wanted() && unit.machineId() == null) {
            unplaced.delete(unit.name());
        }
        if (unit.machineId() != null) {
            if (!unit.wants().conflicts().isEmpty()) {
                conflicting.computeIfPresent(unit.machineId(), (id, units) -> {
                    units.remove(unit.name());
                    return units.isEmpty() ? null : units;
                });
            }
            byMachine.computeIfPresent(unit.machineId(), (id, names) -> {
                names.delete(unit.name());
                return names.isEmpty() ? null : names;
            });
        }
    }

    private void link(UnitRecord unit) {
        if (unit.global() && unit.wanted()) {
            var global = new Global(unit.name(), unit.wants());
            globals.put(unit.name(), global);
            if (!unit.wants().conflicts().isEmpty()) {
                declaring.put(unit.name(), global);
            }
        } else if (unit.wanted() && unit.machineId() == null) {
            unplaced.insert(unit.name(), unit);
        }
        if (unit.machineId() != null) {
            byMachine
                    .computeIfAbsent(unit.machineId(), id -> SortedRows.ofThemselves(Comparator.<String>naturalOrder()))
                    .insert(unit.name(), unit.name());
            if (!unit.wants().conflicts().isEmpty()) {
                conflicting
                        .computeIfAbsent(unit.machineId(), id -> new HashMap<>())
                        .put(unit.name(), unit.wants());
            }
        }
    }
}
