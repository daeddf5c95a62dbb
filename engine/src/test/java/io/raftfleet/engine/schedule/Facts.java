package io.raftfleet.engine.schedule;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a registry would hold, with fleet's rules written down once more: slow, plain, and without any index. */
final class Facts {
    record UnitFact(
            String name,
            Requirements requirements,
            TargetState target,
            @Nullable String machine) {
        boolean wanted() {
            return target != TargetState.TARGET_STATE_INACTIVE;
        }

        boolean placeable() {
            return wanted() && !requirements.global();
        }

        boolean onMachine(String id) {
            return placeable() && id.equals(machine);
        }

        UnitFact on(@Nullable String other) {
            return new UnitFact(name, requirements, target, other);
        }
    }

    record MachineFact(Map<String, String> metadata, boolean present) {}

    final Map<String, UnitFact> units;
    final Map<String, MachineFact> machines;

    Facts() {
        this(new TreeMap<>(), new TreeMap<>());
    }

    private Facts(Map<String, UnitFact> units, Map<String, MachineFact> machines) {
        this.units = units;
        this.machines = machines;
    }

    static Requirements requirements(String unit, String... options) {
        String text =
                options.length == 0 ? "[Service]\nExecStart=/bin/true\n" : "[X-Fleet]\n" + String.join("\n", options);
        try {
            return Requirements.of(unit, UnitFile.parse(text));
        } catch (InvalidUnitException e) {
            throw new AssertionError(e);
        }
    }

    UnitFact unit(String name) {
        return Optional.ofNullable(units.get(name)).orElseThrow(() -> new AssertionError("no unit " + name));
    }

    MachineFact machine(String id) {
        return Optional.ofNullable(machines.get(id)).orElseThrow(() -> new AssertionError("no machine " + id));
    }

    void apply(Decision decision) {
        String machine = decision instanceof Decision.Schedule schedule ? schedule.machineId() : null;
        units.put(decision.unit(), unit(decision.unit()).on(machine));
    }

    /** Everything that is wrong with the schedule. */
    List<String> faults() {
        List<String> faults = new ArrayList<>();
        for (UnitFact unit : units.values()) {
            if (unit.machine() != null) {
                if (!unit.placeable()) {
                    faults.add(unit.name() + " should be on no machine");
                } else if (!fits(unit, unit.machine(), this)) {
                    faults.add(unit.name() + " may not be on " + unit.machine());
                }
            } else if (unit.placeable()) {
                for (String machine : machines.keySet()) {
                    if (couldHave(unit, machine)) {
                        faults.add(unit.name() + " is pending but " + machine + " would do");
                    }
                }
            }
        }
        return faults;
    }

    /** Whether the unit, with those that it must be placed together with, could be on the machine. */
    boolean couldHave(UnitFact unit, String machine) {
        Set<String> group = group(unit);
        Facts moved = new Facts(new LinkedHashMap<>(units), machines);
        group.forEach(name -> moved.units.put(name, unit(name).on(machine)));
        return group.stream().allMatch(name -> moved.fits(moved.unit(name), machine, this));
    }

    /** The present machine with the fewest units, then lowest id, that could have the unit. */
    Optional<String> leastLoadedFor(UnitFact unit) {
        return machines.keySet().stream()
                .filter(machine -> couldHave(unit, machine))
                .min((a, b) -> load(a) != load(b) ? Integer.compare(load(a), load(b)) : a.compareTo(b));
    }

    /** Units scheduled to a machine, and global ones that run there. */
    int load(String machine) {
        return (int) units.values().stream()
                .filter(unit -> unit.onMachine(machine) || runsOn(unit, machine))
                .count();
    }

    /** The unit and all placeable ones that it follows and that follow it. */
    Set<String> group(UnitFact unit) {
        Set<String> group = new TreeSet<>(Set.of(unit.name()));
        for (String other : followedBy(unit.name())) {
            if (followedBy(other).contains(unit.name())) {
                group.add(other);
            }
        }
        return group;
    }

    private Set<String> followedBy(String name) {
        Set<String> followed = new LinkedHashSet<>();
        List<String> open = new ArrayList<>(List.of(name));
        while (!open.isEmpty()) {
            for (String peer : unit(open.removeLast()).requirements().peers()) {
                UnitFact fact = units.get(peer);
                if (fact != null && fact.placeable() && followed.add(peer)) {
                    open.add(peer);
                }
            }
        }
        return followed;
    }

    /** @param before where global units run before the unit comes; they go first where they already are */
    private boolean fits(UnitFact unit, String id, Facts before) {
        MachineFact machine = machines.get(id);
        if (machine == null
                || !machine.present()
                || !unit.requirements().admits(machine.metadata())
                || !unit.requirements().admitsMachine(id)) {
            return false;
        }
        for (String name : unit.requirements().peers()) {
            UnitFact peer = units.get(name);
            boolean there =
                    peer != null && (peer.requirements().global() ? before.runsOn(peer, id) : peer.onMachine(id));
            if (!there && !name.equals(unit.name())) {
                return false;
            }
        }
        for (UnitFact other : units.values()) {
            if (other.onMachine(id) && (conflict(unit, other) || replaces(other, unit))) {
                return false;
            }
            if (other.requirements().global() && conflict(unit, other) && before.runsOn(other, id)) {
                return false;
            }
        }
        return true;
    }

    private boolean runsOn(UnitFact global, String id) {
        MachineFact machine = machines.get(id);
        return machine != null
                && global.wanted()
                && global.requirements().global()
                && machine.present()
                && global.requirements().admits(machine.metadata())
                && units.values().stream()
                        .filter(other -> conflict(global, other))
                        .noneMatch(other -> other.onMachine(id)
                                || (other.requirements().global()
                                        && other.name().compareTo(global.name()) < 0
                                        && runsOn(other, id)));
    }

    private static boolean conflict(UnitFact a, UnitFact b) {
        return !a.name().equals(b.name())
                && (a.requirements().conflictsWith(b.name()) || b.requirements().conflictsWith(a.name()));
    }

    /** Unless the replaced one could make the replacing one move in turn. */
    boolean replaces(UnitFact replacer, UnitFact replaced) {
        if (replacer.name().equals(replaced.name())
                || replaced.requirements().global()
                || !replacer.requirements().replaces(replaced.name())) {
            return false;
        }
        Set<String> moved = new LinkedHashSet<>(Set.of(replaced.name()));
        boolean grew = true;
        while (grew) {
            grew = false;
            for (UnitFact unit : units.values()) {
                boolean moves = moved.stream()
                        .anyMatch(name -> unit.requirements().peers().contains(name)
                                || (!unit.requirements().global()
                                        && unit(name).requirements().replaces(unit.name())));
                grew |= moves && moved.add(unit.name());
            }
        }
        return !moved.contains(replacer.name());
    }
}
