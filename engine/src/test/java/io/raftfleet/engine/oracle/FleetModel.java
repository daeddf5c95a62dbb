package io.raftfleet.engine.oracle;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A cluster and fleet's rules for it, as its documents have them ("Unit Files", "Unit Scheduling", "Architecture") and its engine
 * where they are silent: which machines may run a unit, which of them it goes to, which global units a machine runs, and what
 * keeps a unit off each machine. Computes everything anew from the facts with every question, and shares no code with the scheduler.
 *
 * <p>Machines that take no new units, and those that are drained, are this project's own; so are three things that fleet leaves
 * undefined or unplaced: units that all follow each other are placed together;
 * among global units that conflict the lower name comes first; {@code Replaces} means nothing where the unit that is replaced
 * could, by moving, make the other one move.
 */
public final class FleetModel {
    /**
     * A unit.
     *
     * @param lines of its section {@code [X-Fleet]}
     * @param wanted whether it is to be loaded or launched
     * @param machine that it is scheduled to; empty for none
     */
    public record Unit(String name, List<String> lines, boolean wanted, String machine) {
        Wish wish() {
            return Wish.of(name, lines);
        }

        boolean global() {
            return wish().global();
        }

        boolean on(String id) {
            return wanted && !global() && machine.equals(id);
        }

        /** The same unit on another machine. */
        public Unit movedTo(String id) {
            return new Unit(name, lines, wanted, id);
        }

        /** The same unit, wanted or not. */
        public Unit wanted(boolean now) {
            return new Unit(name, lines, now, machine);
        }
    }

    /**
     * A machine.
     *
     * @param announced metadata that it said of itself
     * @param patched what operators say of it, which holds whatever it says; an empty value stands for a removal
     * @param place what operators say of it as a place for units: {@code ""} for nothing, {@code "cordoned"}, {@code "draining"}, or
     *     {@code "ended"} for a drain that has come to the global units
     */
    public record Machine(
            String id, Map<String, String> announced, Map<String, String> patched, boolean present, String place) {
        boolean empties() {
            return place.equals("draining") || place.equals("ended");
        }

        /** The same machine, said something else of. */
        public Machine as(String newPlace) {
            return new Machine(id, announced, patched, present, newPlace);
        }

        /** What counts. */
        public Map<String, String> metadata() {
            var all = new TreeMap<>(announced);
            all.putAll(patched);
            all.values().removeIf(String::isEmpty);
            return all;
        }
    }

    private static final String OF_OTHERS = " of other units";
    private static final Pattern GLOBAL = Pattern.compile("conflict with the global unit ([^ ]*): ");

    public final Map<String, Unit> units = new TreeMap<>();
    public final Map<String, Machine> machines = new TreeMap<>();

    /** Whether a unit with these lines is taken when it is submitted. */
    public static boolean takes(String name, List<String> lines) {
        return Wish.canBeMet(name, lines);
    }

    /**
     * Whether a unit with these lines would close a circle in which each makes the next one move, by replacing it or because that one
     * follows, and in which at least one replaces: no such unit is taken.
     */
    public boolean circular(String name, List<String> lines) {
        var with = new TreeMap<>(units);
        with.put(name, new Unit(name, lines, false, ""));
        var seen = new HashSet<String>();
        var open = new ArrayDeque<>(List.of(name + " false"));
        while (!open.isEmpty()) {
            var words = open.remove().split(" ", -1);
            var mover = Objects.requireNonNull(with.get(words[0]));
            for (var other : with.values()) {
                boolean replaced =
                        !other.name().equals(words[0]) && mover.wish().replaces(other.name());
                boolean follows = other.wish().peers().contains(words[0]);
                if (replaced && seen.add(other.name() + " true")) {
                    open.add(other.name() + " true");
                }
                if (follows && seen.add(other.name() + " " + words[1])) {
                    open.add(other.name() + " " + words[1]);
                }
            }
        }
        return seen.contains(name + " true");
    }

    /** Whether a unit is for all machines that it admits. */
    public static boolean isGlobal(Unit unit) {
        return unit.global();
    }

    /**
     * A requirement as users are told it, in the words of {@link #reasons}.
     *
     * @param told as in a unit's file: {@code MachineMetadata="k=v" "k=w"} for one key
     * @param message tells whose conflict it is
     */
    public static String requirement(String told, String message) {
        var global = GLOBAL.matcher(message);
        if (global.find()) {
            return "global unit " + global.group(1);
        }
        if (!told.startsWith("MachineMetadata=")) {
            return told + (message.contains(OF_OTHERS) ? OF_OTHERS : "");
        }
        var wish = Wish.of("told.service", List.of(told));
        var key = wish.metadata().keySet().iterator().next();
        return "MachineMetadata=" + key + " of " + new TreeSet<>(wish.metadata().get(key));
    }

    /** All that is wrong when nothing is left to decide. */
    public List<String> faults() {
        var faults = new ArrayList<String>();
        for (var unit : units.values()) {
            boolean placed = !unit.machine().isEmpty();
            if (!unit.wanted() || unit.global()) {
                if (placed) {
                    faults.add(unit + " is to be on no machine");
                }
            } else if (placed && !mayStay(unit)) {
                faults.add(unit + " may not be there: " + against(unit, unit.machine(), this));
            } else if (placed && !whereItCouldGo(unit).isEmpty()) {
                faults.add(unit + " is to leave, and could: " + whereItCouldGo(unit));
            } else if (!placed && best(unit).isPresent()) {
                faults.add(unit + " waits, and " + best(unit).get() + " would do");
            }
        }
        return faults;
    }

    /** Where a unit that waits goes: the machine with the fewest units of those that may run it, of these the lowest id. */
    public Optional<String> best(Unit unit) {
        return machines.keySet().stream()
                .filter(id -> allowed(unit, id))
                .min(Comparator.<String>comparingInt(this::load).thenComparing(Comparator.naturalOrder()));
    }

    /** Units that are scheduled to a machine, and global ones that run there. */
    public int load(String id) {
        return (int) units.values().stream().filter(unit -> unit.on(id)).count()
                + globalsOn(id).size();
    }

    /** Whether a machine may run a unit, together with those that it can only be placed with. */
    public boolean allowed(Unit unit, String id) {
        var machine = machines.get(id);
        if (machine == null || !machine.present()) {
            return false;
        }
        var together = together(unit);
        var held = heldOn(together);
        var holding = machines.get(held);
        if (holding != null && !held.equals(id) && !holding.empties()) {
            return false;
        }
        boolean allThere = together.stream().allMatch(name -> get(name).on(id));
        return (machine.place().isEmpty() || allThere) && fit(together, id);
    }

    /** Whether a unit need not leave the machine that it is on. One that is drained it leaves only for another. */
    public boolean mayStay(Unit unit) {
        var id = unit.machine();
        return allowed(unit, id)
                || (heldOn(together(unit)).equals(id) && best(unit).isEmpty());
    }

    /** Where a unit that is to leave its machine could go, with all that are there because of each other. */
    public Set<String> whereItCouldGo(Unit unit) {
        var machine = machines.get(unit.machine());
        if (machine == null || !machine.empties()) {
            return Set.of();
        }
        var besides = besides(unit);
        var could = new TreeSet<String>();
        for (var other : machines.values()) {
            if (other.present() && other.place().isEmpty() && fit(besides, other.id())) {
                could.add(other.id());
            }
        }
        return could;
    }

    /** The unit and those on its machine that follow it or that it follows, directly or through others there. */
    public Set<String> besides(Unit unit) {
        var besides = new TreeSet<>(Set.of(unit.name()));
        for (boolean grew = true; grew; ) {
            grew = false;
            for (var other : units.values()) {
                if (!other.on(unit.machine()) || besides.contains(other.name())) {
                    continue;
                }
                boolean tied = besides.stream()
                        .anyMatch(name -> get(name).wish().peers().contains(other.name())
                                || other.wish().peers().contains(name));
                grew |= tied && besides.add(other.name());
            }
        }
        return besides;
    }

    /** A cordoned machine that some of them are on, and that all of them could be on but for that; empty for none. */
    private String heldOn(Set<String> together) {
        for (var name : together) {
            var machine = machines.get(get(name).machine());
            if (machine == null || !machine.present() || machine.place().isEmpty()) {
                continue;
            }
            if (get(name).on(machine.id())
                    && !together.stream().allMatch(other -> get(other).on(machine.id()))
                    && fit(together, machine.id())) {
                return machine.id();
            }
        }
        return "";
    }

    private boolean fit(Set<String> together, String id) {
        var there = new FleetModel();
        there.machines.putAll(machines);
        there.units.putAll(units);
        together.forEach(name -> there.units.put(name, get(name).movedTo(id)));
        return together.stream()
                .allMatch(name -> there.against(there.get(name), id, this).isEmpty());
    }

    /** The unit and those that follow it and that it follows, directly or through others. */
    public Set<String> together(Unit unit) {
        var together = new TreeSet<>(Set.of(unit.name()));
        for (var other : units.keySet()) {
            if (follows(unit.name(), other) && follows(other, unit.name())) {
                together.add(other);
            }
        }
        return together;
    }

    /** The same, through units that are on no machine: one that a cordoned machine holds is where it is, and the others want to be there. */
    private Set<String> waitingTogether(Unit unit) {
        var waiting = new FleetModel();
        units.values().stream()
                .filter(other -> other.machine().isEmpty())
                .forEach(other -> waiting.units.put(other.name(), other));
        return waiting.together(unit);
    }

    /** The wanted global units that a machine runs: its metadata admit them, and nothing there conflicts. */
    public Set<String> globalsOn(String id) {
        var running = new TreeSet<String>();
        var machine = machines.get(id);
        if (machine == null || !machine.present() || machine.place().equals("ended")) {
            return running;
        }
        for (var global : units.values()) {
            if (global.wanted()
                    && global.global()
                    && metadataMissing(global, machine).isEmpty()) {
                boolean free = units.values().stream()
                        .filter(other -> other.on(id) || running.contains(other.name()))
                        .noneMatch(other -> conflict(global, other));
                if (free) {
                    running.add(global.name());
                }
            }
        }
        return running;
    }

    /**
     * How many present machines each requirement leaves to a unit that waits, and to those that it is to be placed with; only
     * requirements that leave some out. "MachineID=… 0".
     */
    public List<String> reasons(Unit unit) {
        var reasons = new TreeSet<String>();
        var present = machines.values().stream().filter(Machine::present).toList();
        if (present.isEmpty()) {
            return List.of(" 0");
        }
        long open =
                present.stream().filter(machine -> machine.place().isEmpty()).count();
        if (open < present.size()) {
            reasons.add(unit.name() + " cordon " + open);
        }
        var waiting = waitingTogether(unit);
        for (var name : waiting) {
            var out = new TreeMap<String, Integer>();
            for (var machine : present) {
                against(get(name), machine.id(), this).forEach(reason -> out.merge(reason, 1, Integer::sum));
            }
            // Of one another, units that are placed together want nothing but that they can be.
            for (var other : waiting) {
                if (get(name).wish().peers().contains(other)) {
                    out.remove("MachineOf=" + other);
                    if (conflict(get(name), get(other))) {
                        out.put("MachineOf=" + other, present.size());
                    }
                }
            }
            out.forEach((reason, count) -> reasons.add(name + " " + reason + " " + (present.size() - count)));
        }
        return List.copyOf(reasons);
    }

    /**
     * What keeps a unit off a present machine, besides itself.
     *
     * @param before the cluster that says which global units run: these stay where they are when a unit comes
     */
    private Set<String> against(Unit unit, String id, FleetModel before) {
        var reasons = new TreeSet<String>();
        var machine = machines.get(id);
        if (machine == null || !machine.present()) {
            return Set.of("it is not there");
        }
        var wish = unit.wish();
        boolean isMachine = wish.machineId().isEmpty()
                || wish.machineId().equals(id)
                || (wish.machineId().length() == 8 && id.startsWith(wish.machineId()));
        if (!isMachine) {
            reasons.add("MachineID=" + wish.machineId());
        }
        reasons.addAll(metadataMissing(unit, machine));
        var globals = before.globalsOn(id);
        for (var peer : wish.peers()) {
            var other = units.get(peer);
            if (other == null || !(other.on(id) || globals.contains(peer))) {
                reasons.add("MachineOf=" + peer);
            }
        }
        for (var other : units.values()) {
            if (other.name().equals(unit.name())) {
                continue;
            }
            if (other.on(id)) {
                wish.conflicts().stream()
                        .filter(pattern -> Wish.matches(pattern, other.name()))
                        .forEach(pattern -> reasons.add("Conflicts=" + pattern));
                other.wish().conflicts().stream()
                        .filter(pattern -> Wish.matches(pattern, unit.name()))
                        .forEach(pattern -> reasons.add("Conflicts=" + pattern + OF_OTHERS));
                other.wish().replaces().stream()
                        .filter(pattern -> Wish.matches(pattern, unit.name()) && drivesOff(other, unit))
                        .forEach(pattern -> reasons.add("Replaces=" + pattern + OF_OTHERS));
            } else if (globals.contains(other.name()) && conflict(unit, other)) {
                reasons.add("global unit " + other.name());
            }
        }
        return reasons;
    }

    private static Set<String> metadataMissing(Unit unit, Machine machine) {
        var missing = new TreeSet<String>();
        unit.wish().metadata().forEach((key, values) -> {
            if (!values.contains(machine.metadata().getOrDefault(key, ""))) {
                missing.add("MachineMetadata=" + key + " of " + new TreeSet<>(values));
            }
        });
        return missing;
    }

    private static boolean conflict(Unit a, Unit b) {
        return !a.name().equals(b.name())
                && (a.wish().conflictsWith(b.name()) || b.wish().conflictsWith(a.name()));
    }

    private boolean drivesOff(Unit replacer, Unit replaced) {
        return replacer.wish().replaces(replaced.name()) && !moves(replaced.name(), replacer.name());
    }

    /** Whether one unit's move can make another one move: its followers, and those that it replaces. */
    private boolean moves(String mover, String moved) {
        var seen = new HashSet<>(Set.of(mover));
        var open = new ArrayDeque<>(seen);
        while (!open.isEmpty()) {
            var cause = get(open.remove());
            for (var other : units.values()) {
                boolean caused = other.wish().peers().contains(cause.name())
                        || (!other.global() && cause.wish().replaces(other.name()));
                if (caused && seen.add(other.name())) {
                    open.add(other.name());
                }
            }
        }
        return seen.contains(moved);
    }

    /** Whether one unit must be where another is, by {@code MachineOf}, through units that are scheduled as they are. */
    private boolean follows(String follower, String followed) {
        var seen = new HashSet<String>();
        var open = new ArrayDeque<>(List.of(follower));
        while (!open.isEmpty()) {
            for (var peer : get(open.remove()).wish().peers()) {
                var unit = units.get(peer);
                if (unit != null && unit.wanted() && !unit.global() && seen.add(peer)) {
                    open.add(peer);
                }
            }
        }
        return seen.contains(followed);
    }

    private Unit get(String name) {
        var unit = units.get(name);
        if (unit == null) {
            throw new IllegalStateException("no unit " + name);
        }
        return unit;
    }
}
