package io.raftfleet.engine.control;

import io.raftfleet.engine.schedule.Drains;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Says of the units that have left machines which are drained when they have arrived, so that the next ones may follow; when a deadline is
 * over; and when a drain has got on. All that is soft: a new leader counts as under way, off each of the machines that are drained, what was
 * placed since the first drain began and is not up yet. Owned by the decision thread.
 */
final class DrainPace {
    /** A unit that is not up so long after it moved holds up no other: longer than systemd gives a start by default. */
    static final Duration PATIENCE = Duration.ofMinutes(2);

    /** ActiveState of a unit that systemd has not done with. */
    private static final Set<String> ON_ITS_WAY = Set.of("activating", "deactivating");

    /** When each unit was seen under way first, by the leader's clock. */
    private final Map<String, Long> since = new HashMap<>();

    /**
     * Tells a new scheduler what is under way: whatever was placed since the first of the drains began, and is not up. Looks at each unit
     * once.
     */
    static void resume(RegistryView applied, Scheduler fresh) {
        fresh.drains().paused(applied.awaitedMachines() > 0);
        if (applied.drainingMachines() == 0) {
            return;
        }
        var draining = applied.machines().values().stream()
                .filter(machine -> machine.mark().draining())
                .toList();
        long begun = draining.stream()
                .mapToLong(machine -> machine.mark().at())
                .min()
                .orElse(Long.MAX_VALUE);
        var underWay = applied.units().values().stream()
                .filter(unit -> unit.placedAt() > begun && !arrived(applied, unit))
                .map(UnitRecord::name)
                .toList();
        fresh.drains()
                .inherit(underWay, draining.stream().map(MachineRecord::id).toList());
    }

    /** Forgets everything, with the scheduler that it was about. */
    void restart() {
        since.clear();
    }

    /**
     * Tells the scheduler what has become of what is under way, by what is applied; returns what has to be written. Costs nothing when no
     * machine is drained, else time in proportion to those and to what is under way.
     */
    List<MachineMarked> look(RegistryView applied, Scheduler scheduler, long nowMs) {
        var drains = scheduler.drains();
        // What would leave a machine could not be started on another one yet.
        boolean awaited = applied.awaitedMachines() > 0;
        drains.paused(awaited);
        if (awaited) {
            return List.of();
        }
        var underWay = drains.underWay();
        var arrived = new TreeSet<String>();
        for (var name : underWay) {
            var unit = applied.unit(name);
            long began = since.computeIfAbsent(name, first -> nowMs);
            if (unit == null || arrived(applied, unit) || nowMs - began >= PATIENCE.toMillis()) {
                arrived.add(name);
            }
        }
        drains.arrived(arrived);
        underWay.removeAll(arrived);
        since.keySet().retainAll(underWay);
        var due = new ArrayList<MachineMarked>();
        for (var id : drains.machines()) {
            var machine = applied.machine(id);
            if (machine == null) {
                continue;
            }
            long deadline = machine.mark().deadlineMs();
            drains.overdue(id, deadline != 0 && nowMs >= deadline);
            if (machine.present()) {
                further(applied, machine, drains, due);
            }
        }
        return due;
    }

    /**
     * What is not up elsewhere yet holds a drain up until its deadline only. Then what was to be up there before it leaves
     * ({@code StartFirst}) ends with the global units.
     */
    private static void further(RegistryView applied, MachineRecord machine, Drains drains, List<MachineMarked> due) {
        var leaving = applied.departuresFrom(machine.id());
        boolean overdue = drains.isOverdueAndLeft(machine.id());
        if (!overdue && !drains.isEmpty(machine.id())) {
            return;
        }
        switch (machine.mark().kind()) {
            case MACHINE_MARK_KIND_DRAINING -> {
                if (leaving.stream().allMatch(name -> endsLast(applied, name, overdue))) {
                    due.add(marked(machine, MachineMarkKind.MACHINE_MARK_KIND_ENDING));
                }
            }
            case MACHINE_MARK_KIND_ENDING -> {
                if (leaving.isEmpty()) {
                    due.add(marked(machine, MachineMarkKind.MACHINE_MARK_KIND_DRAINED));
                }
            }
            default -> {} // It has come to its end.
        }
    }

    /** Whether a unit leaves only when no other is left: a global one; and once the time is over, one that is not up elsewhere. */
    private static boolean endsLast(RegistryView applied, String name, boolean overdue) {
        var unit = applied.unit(name);
        return unit != null && (unit.global() || (overdue && unit.wants().startFirst()));
    }

    private static MachineMarked marked(MachineRecord machine, MachineMarkKind kind) {
        return MachineMarked.newBuilder()
                .setMachineId(machine.id())
                .setKind(kind)
                .build();
    }

    /** Whether a unit is where it was moved to as far as it will get: up, done or failed there; or wants no machine, or has none. */
    static boolean arrived(RegistryView view, UnitRecord unit) {
        var machine = unit.machineId();
        if (!unit.wanted() || unit.global() || machine == null || !view.present(machine)) {
            return true; // What a lost machine had is placed anew.
        }
        var state = view.state(unit.name(), machine);
        if (state == null || !unit.hash().toByteString().equals(state.getHash())) {
            return false;
        }
        if (!state.getError().isEmpty()) {
            return true;
        }
        if (state.getPending()) {
            return false;
        }
        if (unit.target() == TargetState.TARGET_STATE_LOADED) {
            return true;
        }
        boolean answers = state.getStartGeneration() == 0 || state.getStartGeneration() == unit.startGeneration();
        return state.getLaunched() && answers && !ON_ITS_WAY.contains(state.getActiveState());
    }
}
