package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.UnitValue;
import io.raftfleet.proto.model.Revision;
import org.jspecify.annotations.Nullable;

/** How a call ended; see {@link io.raftfleet.chaos.history.Event.Returned}. */
record Answer(
        Outcome outcome,
        String code,
        @Nullable UnitValue value,
        @Nullable Position revision) {
    static Answer of(String code) {
        return new Answer(Outcome.ANSWERED, code, null, null);
    }

    static Answer found(@Nullable UnitValue value, @Nullable Position revision) {
        return new Answer(Outcome.ANSWERED, value == null ? "absent" : "found", value, revision);
    }

    /** The same, of this revision. */
    Answer at(@Nullable Position stated) {
        return new Answer(outcome, code, value, stated);
    }

    static Answer failed(String why) {
        return new Answer(Outcome.FAILED, why, null, null);
    }

    static Answer unknown(String why) {
        return new Answer(Outcome.UNKNOWN, why, null, null);
    }

    static Position position(Revision revision) {
        return new Position(
                revision.getIncarnation(), revision.getIndex(), Integer.toUnsignedLong(revision.getOrdinal()));
    }
}
