package io.raftfleet.state;

import io.raftfleet.proto.model.TargetState;
import org.jspecify.annotations.Nullable;

/**
 * What follows from a changed unit or machine for what machines have and are to have. Told of each change by {@link Transition}.
 * Nothing is decided on what follows, so speculation leaves it out, and counts it only: see {@link FanOut}.
 */
interface Consequences {
    /**
     * A unit is about to change, to be made, or to go.
     *
     * @return to be run once it has
     */
    Runnable ofUnit(@Nullable UnitRecord before, @Nullable UnitRecord after);

    /**
     * A machine is about to change.
     *
     * @return to be run once it has
     */
    Runnable ofMachine(@Nullable MachineRecord before, MachineRecord after);

    /** A machine is lost. */
    void ofLoss(String machineId);

    /** A machine is taken off the registry. */
    void ofForgotten(String machineId);

    /** A machine turns out to have a unit, though it may not be to have it. */
    void ofFound(String name, MachineRecord machine);

    /** How far a unit is, as machines have reported it; {@code UNSPECIFIED} where that is not asked. */
    TargetState current(UnitRecord unit);
}
