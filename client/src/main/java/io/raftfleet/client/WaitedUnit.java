package io.raftfleet.client;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one unit that is waited for, and whether it is where an order takes it. Only what its machine says of the order that
 * its row names counts: of the same contents, of the same start generation, and no longer pending. To be used by
 * one thread.
 */
public final class WaitedUnit {
    /** A unit that systemd starts again and again counts as failed after this long, if not after the time that it is to stay up. */
    private static final long LEAST_PATIENCE = TimeUnit.SECONDS.toNanos(2);

    /** Agents of earlier versions may tell a state of before the start. */
    private static final long DONE_FOR_SURE = TimeUnit.MILLISECONDS.toNanos(250);

    /** A unit that systemd is to start again ({@code Restart=}) is failed for a moment first. */
    private static final long FAILED_FOR_SURE = TimeUnit.MILLISECONDS.toNanos(250);

    /**
     * What is wrong on its machine may be of the order before, which the one to go took the place of: a unit that could not be put in place
     * is gone a moment later.
     */
    private static final long COMPLAINT_FOR_SURE = TimeUnit.SECONDS.toNanos(2);

    /** How far it has come. */
    public enum Outcome {
        PENDING,
        /** There, but it has to stay so for a while. */
        UP,
        GOOD,
        BAD
    }

    private final String name;
    private final ByteString hash;
    private final long stayUp;
    private final Map<String, UnitState> states = new HashMap<>(2);
    private @Nullable Unit unit;
    private TargetState lowest = TargetState.TARGET_STATE_LAUNCHED;
    private boolean announced;
    private long answeredAt;
    private boolean answered;
    private boolean running;
    private long upSince;
    private int upPid;
    private boolean fell;
    private boolean failing;
    private long failedAt;
    private boolean complaining;
    private long complainedAt;
    private String why = "";

    /**
     * Nothing is known of it yet.
     *
     * @param hash of the file that it is to have, 20 bytes
     * @param stayUp how long a process must run to count as up, in nanoseconds
     */
    public WaitedUnit(String name, ByteString hash, long stayUp) {
        this.name = name;
        this.hash = hash;
        this.stayUp = stayUp;
    }

    /** The unit's name. */
    public String name() {
        return name;
    }

    /** Its row as last told; null when there is none. */
    public @Nullable Unit unit() {
        return unit;
    }

    /** What was told is to be told anew. */
    public void forget() {
        unit = null;
        states.clear();
    }

    /** Its row is so now. */
    public void is(Unit row) {
        unit = row;
        if (target(row).getNumber() < lowest.getNumber()) {
            lowest = target(row);
        }
    }

    /** It has no row any more. */
    public void isDestroyed() {
        unit = null;
    }

    /** A machine says so of it now. */
    public void is(UnitState state) {
        states.put(state.getMachineId(), state);
    }

    /** A machine has it no more. */
    public void isGone(UnitState state) {
        states.remove(state.getMachineId());
    }

    /** False while what is known is from before its contents were replaced. */
    public boolean isCurrentFile() {
        Unit row = unit;
        return row != null && row.getHash().equals(hash);
    }

    /** The same unit with another file, of which nothing was judged yet. */
    WaitedUnit withFile(ByteString newHash) {
        var other = new WaitedUnit(name, newHash, stayUp);
        other.unit = unit;
        other.lowest = lowest;
        other.states.putAll(states);
        return other;
    }

    /**
     * Whether it is to be more than the goal, as somebody has ordered since: one that is to be stopped is to be launched. Such a unit does
     * not get to the goal by itself.
     *
     * @param sinceOrder whether its row is known to be of after the order that is waited for; otherwise it may be of before as long as none
     *     was told that is at the goal
     */
    public boolean isRaised(WaitGoal goal, boolean sinceOrder) {
        Unit row = unit;
        return row != null
                && goal != WaitGoal.DESTROYED
                && target(row).getNumber() > goal.target().getNumber()
                && (sinceOrder || lowest.getNumber() <= goal.target().getNumber());
    }

    static TargetState target(Unit unit) {
        return unit.getTargetState() == TargetState.TARGET_STATE_UNSPECIFIED
                ? TargetState.TARGET_STATE_INACTIVE
                : unit.getTargetState();
    }

    private static TargetState current(Unit unit) {
        return unit.getCurrentState() == TargetState.TARGET_STATE_UNSPECIFIED && !unit.getGlobal()
                ? TargetState.TARGET_STATE_INACTIVE
                : unit.getCurrentState();
    }

    /** What the machine says that it is scheduled to; null when it is on none, or that has said nothing. */
    @Nullable
    UnitState state() {
        Unit row = unit;
        return row == null ? null : states.get(row.getMachineId());
    }

    /** True at the first call. */
    public boolean announce() {
        boolean first = !announced;
        announced = true;
        return first;
    }

    /** Why it is {@link Outcome#BAD}, for people: "failed (failed): its main process exited with status 1". */
    public String why() {
        return why;
    }

    /**
     * Judges what is known by now.
     *
     * @param now by {@link System#nanoTime}
     */
    public Outcome judge(WaitGoal goal, long now) {
        return switch (goal) {
            case UNLOADED ->
                unit != null && current(unit) == TargetState.TARGET_STATE_INACTIVE ? gone(now) : Outcome.PENDING;
            case DESTROYED -> unit == null ? gone(now) : Outcome.GOOD; // Somebody has made it anew.
            default -> {
                UnitState state = state();
                yield state == null || !isCurrentFile() || !state.getHash().equals(hash)
                        ? Outcome.PENDING
                        : judge(goal, state, now);
            }
        };
    }

    private Outcome judge(WaitGoal goal, UnitState state, long now) {
        Unit row = unit;
        if (row == null || !answers(state, row, goal)) {
            return Outcome.PENDING;
        }
        if (state.getPending()) {
            return state.getError().isEmpty() ? Outcome.PENDING : bad(state.getError());
        }
        return switch (goal) {
            case UP -> up(state, now);
            case STOPPED -> stopped(state, row);
            default -> loaded(state, row);
        };
    }

    /** Whether a state is about the order that the unit has now. Agents of earlier versions say 0 for what is not launched. */
    private static boolean answers(UnitState state, Unit row, WaitGoal goal) {
        long generation = state.getStartGeneration();
        boolean same = generation == row.getStartGeneration() || (generation == 0 && !state.getLaunched());
        return same && (goal == WaitGoal.UP || !state.getLaunched());
    }

    private Outcome gone(long now) {
        for (UnitState state : states.values()) {
            if (state.getPending() && !state.getError().isEmpty()) {
                if (!complaining) {
                    complaining = true;
                    complainedAt = now;
                }
                return now - complainedAt >= COMPLAINT_FOR_SURE ? bad(state.getError()) : Outcome.PENDING;
            }
        }
        complaining = false;
        return states.isEmpty() ? Outcome.GOOD : Outcome.PENDING;
    }

    private Outcome loaded(UnitState state, Unit row) {
        if (current(row) != TargetState.TARGET_STATE_LOADED) {
            return Outcome.PENDING;
        }
        boolean good = state.getLoadState().isEmpty() || state.getLoadState().equals("loaded");
        return good && state.getError().isEmpty() ? Outcome.GOOD : bad(systemdState(state));
    }

    private Outcome stopped(UnitState state, Unit row) {
        return switch (state.getActiveState()) {
            case "inactive", "failed" -> Outcome.GOOD;
            case "active", "activating" ->
                state.getStartGeneration() != 0 && state.getStartGeneration() == row.getStartGeneration()
                        ? bad("it runs again: something on its machine has started it")
                        : Outcome.PENDING;
            default -> Outcome.PENDING;
        };
    }

    private Outcome up(UnitState state, long now) {
        if (!state.getLaunched()) {
            return state.getError().isEmpty() ? Outcome.PENDING : bad(state.getError());
        }
        if (!answered) {
            answered = true;
            answeredAt = now;
        }
        if (!state.getActiveState().equals("failed")) {
            failing = false;
        } else if (!failing) {
            failing = true;
            failedAt = now;
        }
        running &= isActive(state);
        return switch (state.getActiveState()) {
            case "active", "reloading", "refreshing" ->
                state.getError().isEmpty() ? active(state, now) : bad(systemdState(state));
            case "failed" -> {
                fell = true;
                why = systemdState(state);
                yield now - failedAt >= FAILED_FOR_SURE ? Outcome.BAD : Outcome.PENDING;
            }
            case "inactive" -> {
                if (!state.getError().isEmpty()) {
                    yield bad(state.getError());
                }
                yield now - answeredAt >= DONE_FOR_SURE ? Outcome.GOOD : Outcome.PENDING;
            }
            default -> {
                if (state.getSubState().startsWith("auto-restart")) {
                    fell = true;
                    why = systemdState(state);
                } else if (!state.getError().isEmpty()) {
                    // Its job is over, and it goes on to come up by itself.
                    yield bad(systemdState(state));
                }
                yield hasLostPatience(now) ? Outcome.BAD : Outcome.PENDING;
            }
        };
    }

    private static boolean isActive(UnitState state) {
        return switch (state.getActiveState()) {
            case "active", "reloading", "refreshing" -> true;
            default -> false;
        };
    }

    private Outcome active(UnitState state, long now) {
        int pid = state.getMainPid();
        if (stayUp == 0 || (pid == 0 && !runsProcess(state))) {
            return Outcome.GOOD;
        }
        boolean knownOnlyNow = running && upPid == 0;
        if (!running || (pid != upPid && !knownOnlyNow)) {
            if (upPid != 0) {
                fell = true;
                why = why.isEmpty() ? "its main process has ended, and systemd has started it again" : why;
            }
            running = true;
            upSince = now;
        }
        upPid = pid;
        if (now - upSince >= stayUp) {
            return Outcome.GOOD;
        }
        return hasLostPatience(now) ? Outcome.BAD : Outcome.UP;
    }

    /** Of one that has just ended none is known, and systemd is about to say so. */
    private boolean runsProcess(UnitState state) {
        return name.endsWith(".service") && state.getSubState().equals("running");
    }

    private boolean hasLostPatience(long now) {
        return fell && now - answeredAt >= Math.max(stayUp, LEAST_PATIENCE);
    }

    private Outcome bad(String reason) {
        why = reason;
        return Outcome.BAD;
    }

    private static String systemdState(UnitState state) {
        boolean loaded = state.getLoadState().isEmpty() || state.getLoadState().equals("loaded");
        return (loaded ? "" : state.getLoadState() + " ") + state.getActiveState() + " (" + state.getSubState() + ")"
                + (state.getError().isEmpty() ? "" : ": " + state.getError());
    }
}
