package io.raftfleet.state;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.AssignmentTable.Global;
import io.raftfleet.unit.Requirements;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Counts what follows from the records of an entry in the making when they are applied, in changes, at most: of a record of a few bytes
 * that may be one for each machine, or for each unit that a machine had. For each thing that {@link MachineConsequences} does it has a
 * figure, from the sizes of tables as they are before the entry and from what the entry's records before may have added. Used by one
 * thread, under the registry's lock.
 */
final class FanOut implements Consequences {
    /** A unit has to leave a machine, and that may be over in the same entry. */
    private static final int DEPARTURE = 2;
    /** A state comes and goes, and each time its unit may be said to be further, or less far. */
    private static final int STATE = 4;

    private static final int STATE_GONE = 2;

    private final Tables applied;
    /** Global units that records made wanted, whatever has become of them since. */
    private final List<Global> globals = new ArrayList<>();
    /** Those of them that name others that they conflict with. */
    private final List<Global> declaring = new ArrayList<>();
    /** How many states records report of each unit. */
    private final Map<String, Integer> reported = new HashMap<>();

    private int newMachines;
    private long changes;
    private long undone;

    /** @param applied what the entry will be applied to */
    FanOut(Tables applied) {
        this.applied = applied;
    }

    /** Of all that was counted. */
    long changes() {
        return changes;
    }

    /** How many of them a later record of the entry would make, which has a unit where it was again. */
    long undone() {
        return undone;
    }

    /** A record that is not speculated on. */
    void count(Record record) {
        switch (record.getRecordCase()) {
            case STATES_REPORTED -> count(record.getStatesReported());
            case ORPHAN_DROPPED -> changes += DEPARTURE;
            default -> {} // It changes nothing that is told to watches.
        }
    }

    private void count(StatesReported report) {
        changes += (long) STATE * report.getStatesCount() + (STATE_GONE + 1L) * report.getGoneCount();
        if (report.getWholeBucketsCount() > 0) {
            changes += (long) STATE_GONE
                    * applied.states
                            .inBuckets(report.getMachineId(), Set.copyOf(report.getWholeBucketsList()))
                            .size();
        }
        report.getStatesList().forEach(state -> reported.merge(state.getName(), 1, Integer::sum));
    }

    private long statesGone(String machineId) {
        return (long) STATE_GONE * applied.states.ofMachine(machineId).size();
    }

    @Override
    public Runnable ofUnit(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (before == null || after == null || !sameClaims(before, after)) {
            long moved = left(before, after) + machinesAround(before, after) * globalsAround(before, after);
            changes += DEPARTURE * moved + entered(after);
            undone += (DEPARTURE - 1) * moved;
        }
        if (after != null && after.global() && after.wanted()) {
            var global = new Global(after.name(), after.wants());
            globals.add(global);
            if (!after.wants().conflicts().isEmpty()) {
                declaring.add(global);
            }
        }
        return () -> {};
    }

    /** Whether a unit is to be where it was to be, and keeps away from there what it kept away. */
    private static boolean sameClaims(UnitRecord before, UnitRecord after) {
        return before.wanted() == after.wanted()
                && before.wants().equals(after.wants())
                && Objects.equals(before.machineId(), after.machineId());
    }

    /** Machines that a unit has to leave. */
    private long left(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (before == null) {
            return 0;
        }
        if (before.global() && before.wanted()) {
            return machines();
        }
        long place = before.machineId() == null ? 0 : 1;
        return after != null
                ? place
                : place + applied.states.ofUnit(before.name()).size() + reported.getOrDefault(before.name(), 0);
    }

    /** Machines that a unit need not leave any more. */
    private long entered(@Nullable UnitRecord after) {
        if (after == null || !after.wanted()) {
            return 0;
        }
        return after.global() ? applied.departures.machines(after.name()).size() : 1;
    }

    /** Machines whose other global units may be others because of a unit. */
    private long machinesAround(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if ((before != null && before.global()) || (after != null && after.global())) {
            return machines();
        }
        var from = before == null ? null : before.machineId();
        var to = after == null ? null : after.machineId();
        long left = from == null ? 0 : 1;
        return left + (to == null || to.equals(from) ? 0 : 1);
    }

    /** Which may those be: they conflict with the unit, or with one that does, and so on. How many. */
    private long globalsAround(@Nullable UnitRecord before, @Nullable UnitRecord after) {
        if (!conflicts(before) && !conflicts(after)) {
            return 0;
        }
        var next = new ArrayDeque<Global>();
        for (var unit : Arrays.asList(before, after)) {
            if (unit != null) {
                next.add(new Global(unit.name(), unit.wants()));
            }
        }
        var cause = next.element().name();
        var others = new ArrayList<>(applied.assignments.globals());
        others.addAll(globals);
        others.removeIf(other -> other.name().equals(cause));
        long all = others.size();
        while (!next.isEmpty()) {
            var one = next.remove();
            others.removeIf(other -> conflict(one, other) && next.add(other));
        }
        return all - others.size();
    }

    private boolean conflicts(@Nullable UnitRecord unit) {
        return unit != null
                && (applied.assignments.movesGlobals(unit) || AssignmentTable.conflicts(unit, globals, declaring));
    }

    private static boolean conflict(Global one, Global other) {
        return Requirements.conflict(one.name(), one.wants(), other.name(), other.wants());
    }

    private long machines() {
        return applied.machines.all().size() + (long) newMachines;
    }

    @Override
    public Runnable ofMachine(@Nullable MachineRecord before, MachineRecord after) {
        if (before == null) {
            newMachines++;
        }
        boolean same = before != null
                && before.metadata().equals(after.metadata())
                && before.mark().endsGlobals() == after.mark().endsGlobals();
        if (!same) {
            long had = before == null ? 0 : applied.assignments.globals().size() + globals.size();
            changes += DEPARTURE * had + applied.departures.units(after.id()).size();
        }
        return () -> {};
    }

    @Override
    public void ofLoss(String machineId) {
        changes += statesGone(machineId);
    }

    @Override
    public void ofForgotten(String machineId) {
        changes += applied.departures.units(machineId).size();
    }

    @Override
    public void ofFound(String name, MachineRecord machine) {
        changes += DEPARTURE;
    }

    @Override
    public TargetState current(UnitRecord unit) {
        return TargetState.TARGET_STATE_UNSPECIFIED;
    }
}
