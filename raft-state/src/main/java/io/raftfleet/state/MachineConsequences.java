package io.raftfleet.state;

import com.google.common.collect.Sets;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Keeps departures and unit states in step with units and machines: what a machine is to have no longer has to leave it, what it
 * is to have again may stay, and a lost machine has no states. Collects what changed. Used by the thread that applies, under the
 * registry's write lock.
 */
final class MachineConsequences implements Consequences {
    private final Tables tables;
    private final List<Change> changes;

    /** @param changes gets what changed */
    MachineConsequences(Tables tables, List<Change> changes) {
        this.tables = tables;
        this.changes = changes;
    }

    /** What machines a unit leaves, and to which it may come back, with the global units that go or come because of it. */
    @Override
    public Runnable ofUnit(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        var name = Objects.requireNonNull(after != null ? after : before).name();
        var had = before != null && after == null ? everywhere(before) : tables.assignments.machines(before);
        var globals = globalsAround(before, after);
        return () -> {
            tables.assignments.replaced(before, after);
            var has = tables.assignments.machines(after);
            Sets.difference(had, has).forEach(machine -> depart(name, machine));
            Sets.difference(has, had).forEach(machine -> arrive(name, machine));
            globals.forEach((machine, others) -> moveGlobals(name, machine, others));
        };
    }

    @Override
    public Runnable ofMachine(@Nullable MachineRecord before, MachineRecord after) {
        var had = before == null ? Set.<String>of() : tables.assignments.globalsOn(before);
        return () -> {
            var has = tables.assignments.globalsOn(after);
            Sets.difference(had, has).forEach(name -> depart(name, after.id()));
            Sets.difference(has, had).forEach(name -> arrive(name, after.id()));
        };
    }

    @Override
    public void ofLoss(String machineId) {
        List.copyOf(tables.states.ofMachine(machineId).values()).forEach(state -> stateGone(state.name(), machineId));
    }

    @Override
    public void ofForgotten(String machineId) {
        List.copyOf(tables.departures.units(machineId)).forEach(name -> arrive(name, machineId));
    }

    @Override
    public void ofFound(String name, MachineRecord machine) {
        var unit = tables.units.get(name);
        if (unit != null && !tables.assignments.assigned(unit, machine)) {
            depart(name, machine.id());
        }
    }

    @Override
    public TargetState current(UnitRecord unit) {
        return tables.current(unit);
    }

    /** A unit has to leave a machine. */
    void depart(String name, String machineId) {
        if (tables.departures.add(machineId, name)) {
            changes.add(new Change.OfDeparture(name, machineId, true));
        }
    }

    /** A unit need not leave a machine any more, or has left it. Returns whether it had to. */
    boolean arrive(String name, String machineId) {
        boolean had = tables.departures.remove(machineId, name);
        if (had) {
            changes.add(new Change.OfDeparture(name, machineId, false));
        }
        return had;
    }

    /** Tells that a unit, if there is one, has come to be further, or less far, if it has. */
    void noteCurrent(@Nullable UnitRecord unit, @Nullable TargetState before) {
        if (unit != null && tables.current(unit) != before) {
            changes.add(new Change.OfUnit(unit, unit, tables.current(unit)));
        }
    }

    /** A machine has no such state any more. */
    void stateGone(String name, String machineId) {
        var unit = tables.units.get(name);
        var currentBefore = unit == null ? null : tables.current(unit);
        if (tables.states.remove(name, machineId)) {
            changes.add(new Change.OfStateGone(name, machineId));
            noteCurrent(unit, currentBefore);
        }
    }

    /** Machines that are to have a unit, or have it. */
    private Set<String> everywhere(UnitRecord unit) {
        var had = new TreeSet<>(tables.assignments.machines(unit));
        tables.states.ofUnit(unit.name()).forEach(state -> had.add(state.machineId()));
        return had;
    }

    /** Which global units the machines have that a unit's change may take them from, or bring them to; mostly none. */
    private Map<String, Set<String>> globalsAround(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (!tables.assignments.movesGlobals(before) && !tables.assignments.movesGlobals(after)) {
            return Map.of();
        }
        var had = new TreeMap<String, Set<String>>();
        if ((before != null && before.global()) || (after != null && after.global())) {
            tables.machines.all().values().forEach(machine -> note(machine, had));
        } else {
            note(place(before), had);
            note(place(after), had);
        }
        return had;
    }

    /** The machine that a unit is scheduled to. */
    private @Nullable MachineRecord place(@Nullable UnitRecord unit) {
        var id = unit == null ? null : unit.machineId();
        return id == null ? null : tables.machines.get(id);
    }

    private void note(@Nullable MachineRecord machine, Map<String, Set<String>> had) {
        if (machine != null && !had.containsKey(machine.id())) {
            had.put(machine.id(), tables.assignments.globalsOn(machine));
        }
    }

    private void moveGlobals(String cause, String machineId, Set<String> had) {
        var machine = tables.machines.get(machineId);
        var has = machine == null ? Set.<String>of() : tables.assignments.globalsOn(machine);
        for (var name : Sets.difference(had, has)) {
            if (!name.equals(cause)) {
                depart(name, machineId);
            }
        }
        for (var name : Sets.difference(has, had)) {
            if (!name.equals(cause) && !arrive(name, machineId)) {
                changes.add(new Change.OfDeparture(name, machineId, false));
            }
        }
    }
}
