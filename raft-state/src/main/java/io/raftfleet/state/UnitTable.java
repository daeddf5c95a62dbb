package io.raftfleet.state;

import io.raftfleet.unit.LegacyFacts;
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

/** Units by name, and by the machine that they are scheduled to. Guarded by the registry's lock. */
final class UnitTable {
    private final NavigableMap<String, UnitRecord> units = new TreeMap<>();
    private final Map<String, Set<String>> byMachine = new HashMap<>();
    /** Global units that are wanted, with what they ask of machines. */
    private final NavigableMap<String, Requirements> globals = new TreeMap<>();
    /** Units that are scheduled and name others that they conflict with. */
    private final Map<String, Requirements> conflicting = new HashMap<>();

    private final ContentsTable contents;
    private final RowLog rows;
    private final FactIndex facts;

    UnitTable(ContentsTable contents, RowLog rows, FactIndex facts) {
        this.contents = contents;
        this.rows = rows;
        this.facts = facts;
    }

    @Nullable
    UnitRecord get(String name) {
        return units.get(name);
    }

    NavigableMap<String, UnitRecord> all() {
        return Collections.unmodifiableNavigableMap(units);
    }

    Set<String> scheduledTo(String machineId) {
        return byMachine.getOrDefault(machineId, Set.of());
    }

    Collection<String> wantedGlobals() {
        return Collections.unmodifiableSet(globals.keySet());
    }

    /** Puts a unit in place of {@code before}; its contents must be there. */
    void put(@Nullable UnitRecord before, UnitRecord after) {
        rows.touch();
        contents.retain(after.hash());
        unlink(before);
        link(after);
        rows.replaced(before, after);
        facts.put(Fact.Kind.UNIT, after.name(), before == null ? 0 : before.definedAt(), after.definedAt());
        facts.put(Fact.Kind.SCHEDULE, after.name(), placedAt(before), placedAt(after));
        if (before != null) {
            contents.release(before.hash());
        }
    }

    void restore(UnitRecord row) {
        contents.retain(row.hash());
        var text = contents.text(row.hash());
        var unit = sharing(
                row.factsRecorded() || text == null
                        ? row
                        : row.wanting(Requirements.of(LegacyFacts.of(row.name(), text))));
        link(unit);
        rows.restored(unit);
        facts.restore(Fact.Kind.UNIT, unit.name(), unit.definedAt());
        facts.restore(Fact.Kind.SCHEDULE, unit.name(), placedAt(unit));
    }

    void remove(UnitRecord unit) {
        rows.touch();
        unlink(unit);
        units.remove(unit.name());
        rows.replaced(unit, null);
        facts.put(Fact.Kind.SCHEDULE, unit.name(), placedAt(unit), 0);
        facts.put(Fact.Kind.UNIT, unit.name(), unit.definedAt(), 0);
        contents.release(unit.hash());
    }

    /** Machines that are to have this unit: the one that it is scheduled to; of a global unit see {@link #globalsOn}. */
    Set<String> assignedMachines(@Nullable UnitRecord unit, MachineTable machines) {
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

    /** The same unit, which wants an object that it shares with others of its contents where they want the same. */
    UnitRecord sharing(UnitRecord unit) {
        return unit.wanting(contents.share(unit.hash(), unit.wants()));
    }

    private static long placedAt(@Nullable UnitRecord unit) {
        return unit == null || unit.machineId() == null ? 0 : unit.placedAt();
    }

    void clear() {
        units.clear();
        byMachine.clear();
        globals.clear();
        conflicting.clear();
    }

    private void unlink(@Nullable UnitRecord unit) {
        if (unit == null) {
            return;
        }
        globals.remove(unit.name());
        conflicting.remove(unit.name());
        if (unit.machineId() != null) {
            byMachine.computeIfPresent(unit.machineId(), (id, names) -> {
                names.remove(unit.name());
                return names.isEmpty() ? null : names;
            });
        }
    }

    private void link(UnitRecord unit) {
        units.put(unit.name(), unit);
        if (unit.global() && unit.wanted()) {
            globals.put(unit.name(), unit.wants());
        }
        if (unit.machineId() != null) {
            byMachine.computeIfAbsent(unit.machineId(), id -> new HashSet<>()).add(unit.name());
            if (!unit.wants().conflicts().isEmpty()) {
                conflicting.put(unit.name(), unit.wants());
            }
        }
    }
}
