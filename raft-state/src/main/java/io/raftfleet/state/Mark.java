package io.raftfleet.state;

import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;

/**
 * What operators have said of a machine as a place for units, and how far that has got.
 *
 * @param sinceMs when they said it, by the registry's clock; 0 for none
 * @param maxParallel of a drain: how many units are on their way at a time
 * @param deadlineMs of a drain: when units are stopped that can't be placed elsewhere, by the registry's clock; 0 for never
 * @param at version of when they said it; a drain keeps it to its end
 */
public record Mark(MachineMarkKind kind, long sinceMs, int maxParallel, long deadlineMs, long at) {
    /** A machine that is a place like any other. */
    public static final Mark NONE = new Mark(MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED, 0, 0, 0, 0);

    /** Whether the machine takes no new units, but global ones. */
    public boolean cordoned() {
        return kind != MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED;
    }

    /** Whether what is on the machine is to leave it, or has left it. */
    public boolean empties() {
        return cordoned() && kind != MachineMarkKind.MACHINE_MARK_KIND_CORDONED;
    }

    /** Whether the machine is being drained, and has not come to the end of it. */
    public boolean draining() {
        return empties() && kind != MachineMarkKind.MACHINE_MARK_KIND_DRAINED;
    }

    /** Whether the machine has no global units either. */
    public boolean endsGlobals() {
        return empties() && kind != MachineMarkKind.MACHINE_MARK_KIND_DRAINING;
    }

    /** The same drain, further on. */
    Mark further(MachineMarkKind now) {
        return new Mark(now, sinceMs, maxParallel, deadlineMs, at);
    }

    /** The same, when the clock by which it counts is set back: what began later by it begins then, and lasts as long. */
    Mark setBack(long clockMs) {
        long ahead = sinceMs - clockMs;
        return ahead <= 0 ? this : new Mark(kind, clockMs, maxParallel, deadlineMs == 0 ? 0 : deadlineMs - ahead, at);
    }

    /** The message for clients, checkpoints and records. */
    public MachineMark message() {
        return MachineMark.newBuilder()
                .setKind(kind)
                .setSinceMs(sinceMs)
                .setMaxParallel(maxParallel)
                .setDeadlineMs(deadlineMs)
                .build();
    }

    /** One of a kind that this version does not know, in the backup of a newer one, keeps the machine free of new units. */
    static Mark from(MachineMark message, long at) {
        var kind = message.getKind() == MachineMarkKind.UNRECOGNIZED
                ? MachineMarkKind.MACHINE_MARK_KIND_CORDONED
                : message.getKind();
        return kind == MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED
                ? NONE
                : new Mark(kind, message.getSinceMs(), message.getMaxParallel(), message.getDeadlineMs(), at);
    }
}
