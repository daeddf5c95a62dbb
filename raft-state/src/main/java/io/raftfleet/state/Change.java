package io.raftfleet.state;

import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import org.jspecify.annotations.Nullable;

/** What an applied record changed, as listeners hear of it: levels before and after, not the record. */
public sealed interface Change {
    /**
     * A unit is new, changed or gone, or how far it got is.
     *
     * @param before null for a new one
     * @param after null for one that was destroyed
     * @param current how far it is, {@code UNSPECIFIED} for a global unit
     */
    record OfUnit(@Nullable UnitRecord before, @Nullable UnitRecord after, TargetState current) implements Change {
        public String name() {
            var unit = after != null ? after : before;
            if (unit == null) {
                throw new IllegalStateException("a change of no unit");
            }
            return unit.name();
        }
    }

    /** A unit's state on a machine is new or changed. */
    record OfState(UnitState state) implements Change {}

    /** A machine has a unit no longer, or is lost with what it had. */
    record OfStateGone(String name, String machineId) implements Change {}

    /**
     * A machine is new, back, lost or changed. Not told of each report that a machine makes.
     *
     * @param before null for a new one
     */
    record OfMachine(@Nullable MachineRecord before, MachineRecord after) implements Change {}

    /** Something has happened that is kept as an event. */
    record OfEvent(LoggedEvent event) implements Change {}

    /** A lost machine was taken off the registry. */
    record OfMachineGone(MachineRecord before) implements Change {}

    /**
     * A unit has to leave a machine, or has left it, or a global one may come to it.
     *
     * @param pending whether it has to leave; otherwise it has left, or may stay after all, or may come
     */
    record OfDeparture(String name, String machineId, boolean pending) implements Change {}
}
