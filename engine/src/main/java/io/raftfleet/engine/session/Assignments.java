package io.raftfleet.engine.session;

import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.FencedUnits;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a machine is to run, read from the registry. A unit is due on a machine when it is assigned there and has left, or
 * need not leave, every other machine that is present: that is what keeps it from running twice while it moves. A unit that must never
 * run twice waits for one that is lost, too, until it has certainly ended there. A unit that asks for it ({@code StartFirst}) does not
 * wait for a machine that is present; it runs on there until it is up on its new one. In a registry that
 * was restored nobody knows what has moved since: there a unit is started only once every machine has told what it runs.
 */
final class Assignments {
    /** What systemd says of a unit that is there for others. */
    private static final Set<String> UP = Set.of("active", "reloading", "refreshing");

    private Assignments() {}

    /**
     * The order for one unit on one machine; null when it is not due there.
     *
     * @param fenced of this view, for all units that are asked about together
     */
    private static @Nullable AssignedUnit due(
            RegistryView view, UnitRecord unit, MachineRecord machine, FencedUnits fenced) {
        if (!view.assigned(unit, machine)
                || held(view, unit, machine.id(), fenced)
                || view.startWaits(unit, machine.id())) {
            return null;
        }
        return AssignedUnit.newBuilder()
                .setName(unit.name())
                .setHash(unit.hash().toByteString())
                .setTargetState(unit.target())
                .setStartGeneration(unit.startGeneration())
                .build();
    }

    /** Every order for a machine. */
    static List<AssignedUnit> all(RegistryView view, MachineRecord machine) {
        var units = new ArrayList<AssignedUnit>();
        var fenced = new FencedUnits(view);
        collect(view, machine, view.scheduledTo(machine.id()), fenced, units);
        collect(view, machine, view.wantedGlobals(), fenced, units);
        return units;
    }

    /** Of all unit files that a machine may read: those of units that it runs, or is to. */
    static Set<UnitHash> hashes(RegistryView view, String machineId) {
        var hashes = new HashSet<UnitHash>();
        var machine = view.machine(machineId);
        if (machine != null) {
            for (var names : List.of(view.scheduledTo(machineId), view.wantedGlobals())) {
                for (var name : names) {
                    var unit = view.unit(name);
                    if (unit != null && view.assigned(unit, machine)) {
                        hashes.add(unit.hash());
                    }
                }
            }
        }
        return hashes;
    }

    /** Digest over every order for a machine. */
    static Digest digest(RegistryView view, MachineRecord machine) {
        var digest = new Digest();
        all(view, machine).forEach(unit -> digest.add(unit.getName(), Digest.of(unit)));
        return digest;
    }

    /** What is to be told of these units; empty when there is nothing to tell. */
    static AssignmentDelta delta(RegistryView view, MachineRecord machine, Collection<String> names) {
        var delta = AssignmentDelta.newBuilder().setRevision(view.revision());
        var fenced = new FencedUnits(view);
        for (var name : names) {
            var unit = view.unit(name);
            var due = unit == null ? null : due(view, unit, machine, fenced);
            if (due != null) {
                delta.addSet(due);
            } else if (view.departures(name).contains(machine.id()) && !runsOn(view, unit, machine)) {
                delta.addRemove(name);
            }
        }
        return delta.build();
    }

    /**
     * Of which units an agent that has this in some buckets has to be told something, so that it comes to have what it should. Of
     * fenced ones always: it starts such a unit again only on the word of the session that it is in.
     */
    static List<String> differing(RegistryView view, MachineRecord machine, Inventory inventory) {
        var buckets = Set.copyOf(inventory.getBucketsList());
        Map<String, AssignedUnit> has = new HashMap<>();
        inventory.getUnitsList().forEach(unit -> has.put(unit.getName(), unit));
        var names = new ArrayList<String>();
        for (var due : all(view, machine)) {
            if (buckets.contains(Digest.bucket(due.getName()))
                    && (!due.equals(has.remove(due.getName())) || fenced(view, due.getName()))) {
                names.add(due.getName());
            }
        }
        names.addAll(has.keySet());
        return names;
    }

    /**
     * What is to be told of units that differ from what an agent has, as things are now. What is to be there, though not started yet,
     * is named as held; so is all else that is known, while the machine is awaited.
     */
    static AssignmentDelta answer(RegistryView view, MachineRecord machine, Collection<String> names) {
        var delta = AssignmentDelta.newBuilder().setRevision(view.revision());
        var fenced = new FencedUnits(view);
        for (var name : names) {
            var unit = view.unit(name);
            var due = unit == null ? null : due(view, unit, machine, fenced);
            if (due != null) {
                delta.addSet(due);
            } else if (unit == null && !view.departures(name).contains(machine.id())) {
                delta.addOrphans(name);
            } else if (unit != null
                    && (machine.awaited()
                            || view.assigned(unit, machine)
                            || (view.departures(name).contains(machine.id()) && runsOn(view, unit, machine)))) {
                // It is told when other machines have let go of it, or have it up; or, while this machine is awaited,
                // when its
                // place is decided on.
                delta.addHeld(name);
            } else {
                delta.addRemove(name);
            }
        }
        return delta.build();
    }

    private static boolean fenced(RegistryView view, String name) {
        var unit = view.unit(name);
        return unit != null && unit.wants().fence();
    }

    static boolean isEmpty(AssignmentDelta delta) {
        return delta.getSetCount() + delta.getRemoveCount() + delta.getOrphansCount() == 0;
    }

    private static void collect(
            RegistryView view,
            MachineRecord machine,
            Collection<String> names,
            FencedUnits fenced,
            List<AssignedUnit> into) {
        for (var name : names) {
            var unit = view.unit(name);
            var due = unit == null ? null : due(view, unit, machine, fenced);
            if (due != null) {
                into.add(due);
            }
        }
    }

    private static boolean held(RegistryView view, UnitRecord unit, String machineId, FencedUnits fenced) {
        if (unit.global()) {
            return false;
        }
        for (var leaving : view.departures(unit.name())) {
            boolean besides = unit.wants().startFirst() && view.present(leaving);
            if (!leaving.equals(machineId) && !besides && view.leaves(unit, leaving, fenced)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether a unit runs on where it is to leave: it does run there, asks to be started on its new machine first, and is not up there yet. It
     * is, too, once it has come to a good end there. So also while it has no new machine, as the one that it had is lost, unless the drain
     * that it leaves for says until when it has to be gone. Once a drain ends what is left on its machine, it ends this as well.
     */
    private static boolean runsOn(RegistryView view, @Nullable UnitRecord unit, MachineRecord leaving) {
        if (unit == null
                || !unit.wants().startFirst()
                || unit.target() != TargetState.TARGET_STATE_LAUNCHED
                || leaving.mark().endsGlobals()
                || !view.running(unit.name(), leaving.id())) {
            return false;
        }
        if (unit.machineId() == null) {
            return leaving.mark().empties() && leaving.mark().deadlineMs() == 0;
        }
        var state = view.state(unit.name(), unit.machineId());
        return state == null
                || state.getPending()
                || !state.getError().isEmpty()
                || !state.getHash().equals(unit.hash().toByteString())
                || !(UP.contains(state.getActiveState()) || hasEnded(unit, state));
    }

    private static boolean hasEnded(UnitRecord unit, UnitState state) {
        return state.getLaunched()
                && state.getActiveState().equals("inactive")
                && state.getStartGeneration() == unit.startGeneration();
    }
}
