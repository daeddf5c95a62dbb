package io.raftfleet.engine.schedule;

import com.google.common.collect.Iterables;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.GlobalUnits;
import io.raftfleet.unit.Requirements;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Units and machines with the indexes over them. Keeps the indexes true to each other; what a change means for other
 * units is for {@link Scheduler}, which owns it.
 */
final class Cluster {
    /** Stays empty. */
    private static final WaitSet NOBODY = new WaitSet();

    private final Map<String, UnitEntry> units = new HashMap<>();
    private final Map<String, MachineEntry> machines = new HashMap<>();
    private final Map<String, List<MachineEntry>> machinesByShortId = new HashMap<>();
    private final MachineClasses classes = new MachineClasses();
    private final NamePatterns patterns = new NamePatterns(units);

    /** Present machines that take no new units. */
    private final Set<MachineEntry> cordoned = new TreeSet<>(Comparator.comparing(machine -> machine.id));

    /** Units by the names of their peers, which may not exist. */
    private final Map<String, WaitSet> followers = new HashMap<>();

    /** Global units that are to run, by name. */
    private final Map<String, UnitEntry> globals = new TreeMap<>();

    /** Those of them that name others that they conflict with, by name. */
    private final Map<String, UnitEntry> declaring = new TreeMap<>();

    private final GlobalUnits<UnitEntry, MachineEntry> globalUnits = new GlobalUnits<>() {
        @Override
        protected Iterable<UnitEntry> wanted() {
            return globals.values();
        }

        @Override
        protected Iterable<UnitEntry> declaring() {
            return declaring.values();
        }

        @Override
        protected String name(UnitEntry global) {
            return global.name;
        }

        @Override
        protected Requirements wants(UnitEntry global) {
            return global.requirements;
        }

        @Override
        protected boolean admits(UnitEntry global, MachineEntry machine) {
            return global.wanted()
                    && machine.present
                    && machine.upkeep.globals()
                    && global.machineClass.admits(machine.metadata);
        }

        @Override
        protected boolean conflictsWithScheduled(UnitEntry global, MachineEntry machine) {
            for (NamePattern pattern : global.conflicts) {
                if (pattern.occupied.get(machine) > 0) {
                    return true;
                }
            }
            for (NamePattern pattern : patterns.matching(global.name)) {
                if (pattern.declared.get(machine) > 0) {
                    return true;
                }
            }
            return false;
        }
    };

    private final Map<String, WaitSet> waitingForId = new HashMap<>();

    /** Pending units that a global unit keeps off a machine, or that follow one. */
    private final WaitSet waitingForGlobals = new WaitSet();

    private int replacers;

    /** How to undo what is only tried out; null while nothing is. */
    private @Nullable Trial trial;

    /** Whether a global unit came or went since machines' loads were counted. */
    private boolean globalsUncounted;

    /** What changes from now on is to be undone: see {@link #undo}. */
    void beginTrial() {
        countGlobals();
        trial = new Trial();
    }

    /** Everything is as it was before {@link #beginTrial}. */
    void undo() {
        Trial tried = trial;
        trial = null;
        if (tried != null) {
            tried.undo();
            countGlobals(); // A machine that was changed is counted as it is put back, maybe with other global units
            // than now.
        }
    }

    private void onUndo(Runnable undo) {
        if (trial != null) {
            trial.onUndo(undo);
        }
    }

    @Nullable
    UnitEntry unit(String name) {
        return units.get(name);
    }

    /** The machine with this id; one that isn't present when nothing was said of it yet. */
    MachineEntry machine(String id) {
        MachineEntry known = machines.get(id);
        if (known != null) {
            return known;
        }
        MachineEntry machine = new MachineEntry(id);
        machines.put(id, machine);
        machinesByShortId
                .computeIfAbsent(machine.shortId(), same -> new ArrayList<>(1))
                .add(machine);
        return machine;
    }

    /** The machines that a {@code MachineID} means, as fleet's {@code MatchID} has it; least loaded first. */
    List<MachineEntry> machinesWithId(String id) {
        Set<MachineEntry> found = new LinkedHashSet<>(machinesByShortId.getOrDefault(id, List.of()));
        MachineEntry exact = machines.get(id);
        if (exact != null) {
            found.add(exact);
        }
        return found.stream().sorted(MachineEntry.BY_LOAD).toList();
    }

    /** The present machines. */
    Iterable<MachineEntry> presentMachines() {
        return Iterables.concat(classes.universal().byLoad, cordoned);
    }

    int presentCount() {
        return classes.universal().byLoad.size() + cordoned.size();
    }

    /** Those of the present machines that take no new units, by id. */
    Set<MachineEntry> cordoned() {
        return cordoned;
    }

    /** Changes what is known of a machine, and the classes it is in. */
    void changeMachine(MachineEntry machine, Map<String, String> metadata, boolean present, Upkeep upkeep) {
        if (trial != null) {
            Map<String, String> metadataBefore = machine.metadata;
            boolean presentBefore = machine.present;
            Upkeep upkeepBefore = machine.upkeep;
            boolean overdueBefore = machine.overdue;
            boolean inheritsBefore = machine.inherits;
            trial.onUndo(() -> {
                changeMachine(machine, metadataBefore, presentBefore, upkeepBefore);
                machine.overdue = overdueBefore;
                machine.inherits = inheritsBefore;
            });
        }
        classes.leave(machine);
        cordoned.remove(machine);
        machine.metadata = Map.copyOf(metadata);
        machine.present = present;
        machine.upkeep = upkeep;
        machine.overdue &= upkeep.empties();
        if (machine.open()) {
            classes.join(machine);
        } else if (present) {
            cordoned.add(machine);
        }
        countGlobals(machine);
    }

    /** A unit that is not in any index yet. */
    UnitEntry newUnit(String name, Requirements requirements, TargetState target) {
        return new UnitEntry(name, requirements, target, classes.universal());
    }

    /** Puts a unit into the indexes by name, peers, patterns and class. */
    void register(UnitEntry unit) {
        Requirements requirements = unit.requirements;
        if (units.put(unit.name, unit) == null) {
            patterns.unitAdded(unit);
            onUndo(() -> forget(unit));
        }
        onUndo(() -> unregister(unit));
        unit.machineClass = classes.acquire(requirements.metadata());
        for (String peer : requirements.peers()) {
            if (trial != null) {
                trial.keep(followers, peer);
            }
            followers.computeIfAbsent(peer, same -> new WaitSet()).add(unit);
        }
        unit.conflicts = acquire(requirements.conflicts());
        for (NamePattern pattern : unit.conflicts) {
            if (pattern.conflictUses++ == 0) {
                countOccupied(pattern);
            }
        }
        unit.replaces = acquire(requirements.replaces());
        for (NamePattern pattern : unit.replaces) {
            keep(pattern.replacers);
            pattern.replacers.add(unit);
        }
        if (unit.replaces.length > 0) {
            replacers++;
        }
        if (unit.global() && unit.wanted()) {
            globals.put(unit.name, unit);
            if (!requirements.conflicts().isEmpty()) {
                declaring.put(unit.name, unit);
            }
            globalsUncounted = true;
        }
    }

    /** Undoes {@link #register}, but for the name: see {@link #forget}. The unit is not attached. */
    void unregister(UnitEntry unit) {
        if (trial != null) {
            Requirements requirements = unit.requirements;
            TargetState target = unit.target;
            Runnable unpin = pin(unit);
            trial.onUndo(() -> {
                unit.requirements = requirements;
                unit.target = target;
                register(unit);
                unpin.run();
            });
        }
        for (String peer : unit.requirements.peers()) {
            if (trial != null) {
                trial.keep(followers, peer);
            }
            removeFrom(followers, peer, unit);
        }
        if (unit.replaces.length > 0) {
            replacers--;
        }
        for (NamePattern pattern : unit.replaces) {
            keep(pattern.replacers);
            pattern.replacers.remove(unit);
            patterns.release(pattern);
        }
        for (NamePattern pattern : unit.conflicts) {
            if (--pattern.conflictUses == 0) {
                pattern.occupied.clear();
            }
            patterns.release(pattern);
        }
        unit.conflicts = UnitEntry.NO_PATTERNS;
        unit.replaces = UnitEntry.NO_PATTERNS;
        classes.release(unit.machineClass);
        unit.machineClass = classes.universal();
        globalsUncounted |= globals.remove(unit.name) != null;
        declaring.remove(unit.name);
    }

    /** Has the class and the patterns of a unit stay, also while no other unit uses them: other units may wait in them. */
    private Runnable pin(UnitEntry unit) {
        MachineClass machineClass = unit.machineClass;
        List<NamePattern> used = new ArrayList<>(List.of(unit.conflicts));
        used.addAll(List.of(unit.replaces));
        machineClass.uses++;
        used.forEach(pattern -> pattern.uses++);
        return () -> {
            classes.release(machineClass);
            used.forEach(patterns::release);
        };
    }

    private void keep(WaitSet set) {
        if (trial != null) {
            trial.keep(set);
        }
    }

    /** Forgets an unregistered unit's name. */
    void forget(UnitEntry unit) {
        onUndo(() -> {
            units.put(unit.name, unit);
            patterns.unitAdded(unit);
        });
        units.remove(unit.name);
        patterns.unitRemoved(unit);
    }

    /** The unit takes room on a machine. */
    void attach(UnitEntry unit, MachineEntry machine) {
        if (trial != null) {
            MachineEntry before = unit.machine;
            trial.onUndo(() -> {
                detach(unit, machine);
                unit.machine = before;
            });
        }
        machine.link(unit);
        takeRoom(unit, machine);
    }

    /** It is among the machine's units. */
    private void takeRoom(UnitEntry unit, MachineEntry machine) {
        unit.machine = machine;
        unit.attached = true;
        classes.changeLoad(machine, 1);
        for (NamePattern pattern : patterns.matching(unit.name)) {
            if (pattern.conflictUses > 0) {
                pattern.occupied.increment(machine);
            }
        }
        for (NamePattern pattern : unit.conflicts) {
            pattern.declared.increment(machine);
        }
    }

    /** The unit's room becomes free; it is on no machine then. */
    void detach(UnitEntry unit, MachineEntry machine) {
        if (trial != null) {
            UnitEntry previous = unit.previous;
            UnitEntry next = unit.next;
            trial.onUndo(() -> {
                machine.relink(unit, previous, next);
                takeRoom(unit, machine);
            });
        }
        for (NamePattern pattern : unit.conflicts) {
            pattern.declared.decrement(machine);
        }
        for (NamePattern pattern : patterns.matching(unit.name)) {
            pattern.occupied.decrement(machine);
        }
        classes.changeLoad(machine, -1);
        machine.unlink(unit);
        unit.attached = false;
        unit.machine = null;
    }

    /** Another target state, of a unit that stays in all indexes. */
    void want(UnitEntry unit, TargetState target) {
        TargetState before = unit.target;
        onUndo(() -> unit.target = before);
        unit.target = target;
    }

    /** Where a unit is said to be that takes no room there. */
    void say(UnitEntry unit, @Nullable MachineEntry machine) {
        MachineEntry before = unit.machine;
        if (before != machine) {
            onUndo(() -> unit.machine = before);
            unit.machine = machine;
        }
    }

    List<NamePattern> patternsMatching(String name) {
        return patterns.matching(name);
    }

    List<UnitEntry> unitsMatching(NamePattern pattern) {
        return patterns.unitsMatching(pattern);
    }

    /** The units that name this one in {@code MachineOf}. */
    WaitSet followers(String name) {
        return followers.getOrDefault(name, NOBODY);
    }

    /** Whether any unit replaces others. */
    boolean hasReplacers() {
        return replacers > 0;
    }

    Iterable<UnitEntry> globals() {
        return globals.values();
    }

    boolean hasGlobals() {
        return !globals.isEmpty();
    }

    /** Whether a global unit counts as running on a machine: see {@link GlobalUnits}. */
    boolean runsOn(UnitEntry global, MachineEntry machine) {
        return globalUnits.runsOn(global, machine);
    }

    /** On how many machines a global unit runs. */
    int runs(UnitEntry global) {
        int runs = 0;
        for (MachineEntry machine : presentMachines()) {
            runs += runsOn(global, machine) ? 1 : 0;
        }
        return runs;
    }

    /** Has loads count the global units that there are by now; to be called before machines are chosen by load. */
    void countGlobals() {
        if (globalsUncounted) {
            globalsUncounted = false;
            machines.values().forEach(this::countGlobals);
        }
    }

    /** Has a machine's load count the global units that run there. */
    void countGlobals(MachineEntry machine) {
        int running = globalUnits.on(machine).size();
        if (running != machine.globals) {
            int before = machine.globals;
            onUndo(() -> {
                classes.changeLoad(machine, before - machine.globals);
                machine.globals = before;
            });
            classes.changeLoad(machine, running - machine.globals);
            machine.globals = running;
        }
    }

    /** Whether two units may not share a machine, whichever says so; fleet's {@code HasConflict}. */
    static boolean conflict(UnitEntry a, UnitEntry b) {
        return a != b && Requirements.conflict(a.name, a.requirements, b.name, b.requirements);
    }

    WaitSet waitingForGlobals() {
        return waitingForGlobals;
    }

    /** The units that wait for the machine with this id, as they name it. */
    WaitSet waitingForId(String id) {
        return waitingForId.getOrDefault(id, NOBODY);
    }

    void waitForId(UnitEntry unit, String id) {
        if (trial != null) {
            trial.keep(waitingForId, id);
        }
        await(unit, waitingForId.computeIfAbsent(id, same -> new WaitSet()));
    }

    /** The unit waits for what the units of this set wait for. */
    void await(UnitEntry unit, WaitSet set) {
        if (trial != null) {
            trial.keepWaits(unit);
            trial.keep(set);
        }
        unit.waitIn(set);
    }

    /** The unit waits for nothing any more. */
    void forgetWaits(UnitEntry unit) {
        if (unit.waits != null) {
            if (trial != null) {
                Trial tried = trial;
                tried.keepWaits(unit);
                unit.requirements.machineId().ifPresent(id -> tried.keep(waitingForId, id));
            }
            unit.forgetWaits();
            unit.requirements
                    .machineId()
                    .ifPresent(id ->
                            waitingForId.computeIfPresent(id, (same, waiting) -> waiting.isEmpty() ? null : waiting));
        }
    }

    private NamePattern[] acquire(List<String> texts) {
        return texts.isEmpty()
                ? UnitEntry.NO_PATTERNS
                : texts.stream().distinct().map(patterns::acquire).toArray(NamePattern[]::new);
    }

    private void countOccupied(NamePattern pattern) {
        for (UnitEntry unit : patterns.unitsMatching(pattern)) {
            if (unit.attached && unit.machine != null) {
                pattern.occupied.increment(unit.machine);
            }
        }
    }

    private static void removeFrom(Map<String, WaitSet> index, String key, UnitEntry unit) {
        index.computeIfPresent(key, (same, set) -> {
            set.remove(unit);
            return set.isEmpty() ? null : set;
        });
    }
}
