package io.raftfleet.engine.schedule;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Requirements;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A unit as the scheduler knows it. There are up to a million, so fields are few. Owned by {@link Cluster}, except for
 * the queue's fields, which {@link Scheduler} owns.
 */
final class UnitEntry {
    static final NamePattern[] NO_PATTERNS = {};

    final String name;
    Requirements requirements;
    TargetState target;

    /** Where the unit is scheduled, by fact or by decision. */
    @Nullable
    MachineEntry machine;

    /** Whether the unit takes room on {@link #machine}: it is scheduled there, and not about to leave as inactive. */
    boolean attached;

    /** Neighbours among the units that are attached to the same machine. */
    @Nullable
    UnitEntry previous;

    @Nullable
    UnitEntry next;

    MachineClass machineClass;
    NamePattern[] conflicts = NO_PATTERNS;
    NamePattern[] replaces = NO_PATTERNS;

    /** Where a pending unit waits for something that could help it; null for nowhere. */
    @Nullable
    ArrayList<WaitSet> waits;

    /** Whether the unit is to be decided on. */
    boolean dirty;

    /** The one machine where a pending unit could now fit; null when all are to be tried. Means nothing unless dirty. */
    @Nullable
    MachineEntry hint;

    /** Whether the unit is being decided on, and waits for its peers. */
    boolean onPath;

    UnitEntry(String name, Requirements requirements, TargetState target, MachineClass machineClass) {
        this.name = name;
        this.requirements = requirements;
        this.target = target;
        this.machineClass = machineClass;
    }

    boolean global() {
        return requirements.global();
    }

    /** Whether the unit should be loaded or launched. */
    boolean wanted() {
        return target == TargetState.TARGET_STATE_LOADED || target == TargetState.TARGET_STATE_LAUNCHED;
    }

    /** Whether the unit should be on one machine. */
    boolean placeable() {
        return wanted() && !global();
    }

    boolean attachedTo(MachineEntry other) {
        return attached && machine == other;
    }

    void waitIn(WaitSet set) {
        if (set.add(this)) {
            if (waits == null) {
                waits = new ArrayList<>(1);
            }
            waits.add(set);
        }
    }

    void forgetWaits() {
        if (waits != null) {
            waits.forEach(set -> set.remove(this));
            waits = null;
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
