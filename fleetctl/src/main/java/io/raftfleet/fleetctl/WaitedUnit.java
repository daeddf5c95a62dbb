package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What is known of one unit that a command waits for. To be used by one thread. */
final class WaitedUnit {
    /** How long a unit may look unstarted after it was launched; fleet waits as long for it to become active. */
    private static final long GRACE = TimeUnit.SECONDS.toNanos(2);

    /** What systemd made of a start. */
    enum Outcome {
        PENDING,
        GOOD,
        BAD
    }

    private final String name;
    private final ByteString hash;
    private final Map<String, UnitState> states = new HashMap<>(2);
    private @Nullable Unit unit;
    private boolean announced;
    private long announcedAt;

    WaitedUnit(String name, ByteString hash) {
        this.name = name;
        this.hash = hash;
    }

    String name() {
        return name;
    }

    @Nullable
    Unit unit() {
        return unit;
    }

    void forget() {
        unit = null;
        states.clear();
    }

    void is(Unit row) {
        unit = row;
    }

    void is(UnitState state) {
        states.put(state.getMachineId(), state);
    }

    void isGone(UnitState state) {
        states.remove(state.getMachineId());
    }

    /** False while what is known is from before its contents were replaced. */
    boolean isCurrentFile() {
        Unit row = unit;
        return row != null && row.getHash().equals(hash);
    }

    private @Nullable UnitState state() {
        Unit row = unit;
        return row == null ? null : states.get(row.getMachineId());
    }

    boolean hasReached(TargetState goal) {
        Unit row = unit;
        if (row == null || !isCurrentFile()) {
            return false;
        }
        if (row.getGlobal()) {
            return Words.target(row) == goal;
        }
        if (Words.current(row) != goal) {
            return false;
        }
        UnitState state = state();
        // What the machine still says of the file before is no answer.
        return goal == TargetState.TARGET_STATE_INACTIVE
                || state == null
                || state.getHash().isEmpty()
                || state.getHash().equals(hash);
    }

    /** True at the first call. */
    boolean announce(long now) {
        boolean first = !announced;
        if (first) {
            announced = true;
            announcedAt = now;
        }
        return first;
    }

    /** Why its machine could not do what it was told; null when nothing is known. */
    @Nullable
    String error() {
        UnitState state = state();
        return state == null || state.getError().isEmpty() || !state.getHash().equals(hash) ? null : state.getError();
    }

    /** Judges the unit's state in systemd, once it was launched. */
    Outcome outcome(long now) {
        UnitState state = state();
        boolean late = now - announcedAt >= GRACE;
        if (state == null || !state.getLaunched()) {
            return Outcome.PENDING;
        }
        return switch (state.getActiveState()) {
            case "active", "reloading" ->
                state.getLoadState().isEmpty() || state.getLoadState().equals("loaded")
                        ? Outcome.GOOD
                        : Outcome.PENDING;
            case "failed" -> Outcome.BAD;
            case "inactive" -> late ? (state.getError().isEmpty() ? Outcome.GOOD : Outcome.BAD) : Outcome.PENDING;
            default -> late && state.getSubState().startsWith("auto-restart") ? Outcome.BAD : Outcome.PENDING;
        };
    }

    /** For people: "failed (failed)". */
    String systemdState() {
        UnitState state = state();
        if (state == null) {
            return "not reported";
        }
        return state.getActiveState() + " (" + state.getSubState() + ")"
                + (state.getError().isEmpty() ? "" : ": " + state.getError());
    }
}
