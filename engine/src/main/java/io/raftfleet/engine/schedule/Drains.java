package io.raftfleet.engine.schedule;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Which units are on their way off machines that are drained. Counts for each such machine what has left it and has not arrived, so that no
 * more than its number is under way. Owned by {@link Scheduler}, and to be used by the same thread.
 */
public final class Drains {
    private final Cluster cluster;
    private final Consumer<UnitEntry> touch;
    private final Map<String, Set<MachineEntry>> sources = new HashMap<>();
    /** Units that were under way before this scheduler was made, nobody knows from where: each counts for all machines that were drained then. */
    private final Set<String> inherited = new HashSet<>();

    private final Set<MachineEntry> drained = new TreeSet<>(byId());
    private boolean paused;

    /** @param touch has a unit decided on */
    Drains(Cluster cluster, Consumer<UnitEntry> touch) {
        this.cluster = cluster;
        this.touch = touch;
    }

    private static Comparator<MachineEntry> byId() {
        return Comparator.comparing(machine -> machine.id);
    }

    /** Whether no machine is drained, and nothing is under way. */
    public boolean isIdle() {
        return drained.isEmpty() && sources.isEmpty() && inherited.isEmpty();
    }

    /** Units that have left machines that are drained, and have not been said to have {@link #arrived}. */
    public Set<String> underWay() {
        Set<String> all = new HashSet<>(sources.keySet());
        all.addAll(inherited);
        return all;
    }

    /** Ids of present machines that are drained, or have been. */
    public List<String> machines() {
        return drained.stream().map(machine -> machine.id).toList();
    }

    /** Whether no unit is on a machine, global ones aside, nor under way from there. */
    public boolean isEmpty(String machineId) {
        MachineEntry machine = cluster.machine(machineId);
        return machine.firstUnit == null && moves(machine) == 0;
    }

    /** Whether the drain's time is over, and every unit that was on the machine has been told to leave; global ones aside. */
    public boolean isOverdueAndLeft(String machineId) {
        MachineEntry machine = cluster.machine(machineId);
        return machine.overdue && machine.firstUnit == null;
    }

    /** Units are where their last moves took them, as far as they will get: the next ones may leave the machines that they came from. */
    public void arrived(Collection<String> units) {
        Set<MachineEntry> freed = new TreeSet<>(byId());
        boolean fewerInherited = false;
        for (String unit : units) {
            fewerInherited |= inherited.remove(unit);
            for (MachineEntry machine : sources.getOrDefault(unit, Set.of())) {
                machine.moves--;
                freed.add(machine);
            }
            sources.remove(unit);
        }
        if (fewerInherited) {
            drained.stream().filter(machine -> machine.inherits).forEach(freed::add);
        }
        freed.forEach(this::goOn);
    }

    /** While this is so no unit leaves its machine because that is drained. */
    public void paused(boolean now) {
        boolean was = paused;
        paused = now;
        if (was && !now) {
            List.copyOf(drained).forEach(this::goOn);
        }
    }

    /** Whether no unit leaves its machine because that is drained. */
    public boolean isPaused() {
        return paused;
    }

    /** These units were on their way off these machines before this scheduler was made, each off one of them. */
    public void inherit(Collection<String> units, Collection<String> machineIds) {
        inherited.addAll(units);
        machineIds.forEach(id -> cluster.machine(id).inherits = true);
    }

    /**
     * Whether nothing may stay any longer on a machine that is drained: then all leaves at once, and what no other machine admits becomes
     * pending.
     */
    public void overdue(String machineId, boolean now) {
        MachineEntry machine = cluster.machine(machineId);
        boolean was = machine.overdue;
        machine.overdue = now && machine.upkeep.empties();
        if (machine.overdue && !was) {
            machine.units().forEach(touch);
        }
    }

    /** What is under way now; returns what puts it back. */
    Runnable keep() {
        Map<String, Set<MachineEntry>> sourcesBefore = new HashMap<>();
        sources.forEach((unit, machines) -> sourcesBefore.put(unit, Set.copyOf(machines)));
        var inheritedBefore = Set.copyOf(inherited);
        var drainedBefore = Set.copyOf(drained);
        boolean pausedBefore = paused;
        return () -> {
            sources.values().forEach(machines -> machines.forEach(machine -> machine.moves = 0));
            drained.forEach(machine -> machine.moves = 0);
            sources.clear();
            sourcesBefore.forEach((unit, machines) -> machines.forEach(machine -> left(unit, machine)));
            inherited.clear();
            inherited.addAll(inheritedBefore);
            drained.clear();
            drained.addAll(drainedBefore);
            paused = pausedBefore;
        };
    }

    /** What is said of a machine has changed. */
    void changed(MachineEntry machine) {
        if (machine.present && machine.upkeep.empties()) {
            drained.add(machine);
        } else {
            drained.remove(machine);
        }
        machine.inherits = machine.inherits && machine.upkeep.empties();
    }

    /** How many units count as having left the machine, and not arrived. */
    private int moves(MachineEntry machine) {
        return machine.moves + (machine.inherits ? inherited.size() : 0);
    }

    /** Whether a unit may leave the machine now. */
    boolean mayMove(MachineEntry machine) {
        return !paused && moves(machine) < machine.upkeep.moves();
    }

    /** A unit leaves a machine, and has not arrived anywhere. */
    void left(String unitName, MachineEntry machine) {
        if (sources.computeIfAbsent(unitName, none -> new TreeSet<>(byId())).add(machine)) {
            machine.moves++;
        }
    }

    /** Has as many of the units that wait on a machine decided on as may leave it now. */
    void goOn(MachineEntry machine) {
        if (paused) {
            return;
        }
        int free = machine.upkeep.moves() - moves(machine);
        List<UnitEntry> next = new ArrayList<>();
        for (UnitEntry unit : machine.waitingToMove) {
            if (next.size() >= free) {
                break;
            }
            next.add(unit); // One that is to be decided on already takes its turn all the same.
        }
        next.forEach(touch);
    }
}
