package io.raftfleet.state;

import io.raftfleet.unit.Requirements;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
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
    private final Map<String, Set<String>> byMachine = new HashMap<>();
    /** Global units that are wanted, with what they ask of machines. */
    private final NavigableMap<String, Requirements> globals = new TreeMap<>();
    /** Units that are to be on a machine, and are scheduled to none. */
    private final NavigableMap<String, UnitRecord> unplaced = new TreeMap<>();
    /** Units that are scheduled and name others that they conflict with. */
    private final Map<String, Requirements> conflicting = new HashMap<>();

    private final MachineTable machines;

    AssignmentTable(MachineTable machines) {
        this.machines = machines;
    }

    Set<String> scheduledTo(String machineId) {
        return byMachine.getOrDefault(machineId, Set.of());
    }

    Collection<String> wantedGlobals() {
        return Collections.unmodifiableSet(globals.keySet());
    }

    /** Units that are to be on a machine, and are scheduled to none, by name; global ones not among them. */
    NavigableMap<String, UnitRecord> unplaced() {
        return Collections.unmodifiableNavigableMap(unplaced);
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
        return unit.wants().admits(machine.metadata())
                && (!globalsMayConflict() || globalsOn(machine).contains(unit.name()));
    }

    /**
     * Names of wanted global units that a machine is to have, a lost one too: those that it admits and that conflict neither
     * with a unit which is scheduled to it nor with a global one of a lower name that it has. As in fleet's
     * {@code desiredAgentState}, which leaves out what conflicts.
     */
    Set<String> globalsOn(MachineRecord machine) {
        var names = new TreeSet<String>();
        boolean mayConflict = globalsMayConflict();
        globals.forEach((name, requirements) -> {
            if (requirements.admits(machine.metadata())
                    && !(mayConflict && conflicts(name, requirements, machine.id(), names))) {
                names.add(name);
            }
        });
        return names;
    }

    /** Whether changing this unit may change which other units, global ones, machines are to have. */
    boolean movesGlobals(@Nullable UnitRecord unit) {
        return unit != null
                && !globals.isEmpty()
                && (globalsMayConflict() || !unit.wants().conflicts().isEmpty());
    }

    private boolean globalsMayConflict() {
        return !globals.isEmpty()
                && (!conflicting.isEmpty()
                        || globals.values().stream()
                                .anyMatch(r -> !r.conflicts().isEmpty()));
    }

    private boolean conflicts(String name, Requirements requirements, String machineId, Set<String> earlier) {
        for (var scheduled : scheduledTo(machineId)) {
            var others = conflicting.get(scheduled);
            if (requirements.conflictsWith(scheduled) || (others != null && others.conflictsWith(name))) {
                return true;
            }
        }
        for (var global : earlier) {
            var others = globals.get(global);
            if (requirements.conflictsWith(global) || (others != null && others.conflictsWith(name))) {
                return true;
            }
        }
        return false;
    }

    void clear() {
        byMachine.clear();
        globals.clear();
        unplaced.clear();
        conflicting.clear();
    }

    private void unlink(UnitRecord unit) {
        globals.remove(unit.name());
        unplaced.remove(unit.name());
        conflicting.remove(unit.name());
        if (unit.machineId() != null) {
            byMachine.computeIfPresent(unit.machineId(), (id, names) -> {
                names.remove(unit.name());
                return names.isEmpty() ? null : names;
            });
        }
    }

    private void link(UnitRecord unit) {
        if (unit.global() && unit.wanted()) {
            globals.put(unit.name(), unit.wants());
        } else if (unit.wanted() && unit.machineId() == null) {
            unplaced.put(unit.name(), unit);
        }
        if (unit.machineId() != null) {
            byMachine.computeIfAbsent(unit.machineId(), id -> new HashSet<>()).add(unit.name());
            if (!unit.wants().conflicts().isEmpty()) {
                conflicting.put(unit.name(), unit.wants());
            }
        }
    }
}
