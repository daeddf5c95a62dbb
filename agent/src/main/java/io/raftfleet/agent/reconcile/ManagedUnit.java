package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import org.jspecify.annotations.Nullable;

/** All that the reconciler knows of one unit. Owned by the machine's loop. */
final class ManagedUnit {
    final String name;

    /** The last order; null when there is none, or it is to be removed. */
    @Nullable
    Order order;

    /** Whether it is to be stopped and taken away. */
    boolean removing;

    /** Whether it was taken away and the registry has not acknowledged that yet. */
    boolean gone;

    /** Whether its order, kept from an earlier process, was found to be still the cluster's: none is carried out before. */
    boolean confirmed;

    /** Whether an engine knows that this machine has it without an order. */
    boolean orphan;

    /** Whether its file in place says {@code Fence=true}: it starts only while the machine holds its lease. */
    boolean fenced;

    /** Whether its order was given, or stood by, in the session that is open: a fenced unit starts on no older word. */
    boolean ordered;

    /** The last order that was carried out. */
    @Nullable
    Done done;

    /** Hash of the file in place, null when there is none. */
    @Nullable
    UnitHash installed;

    /** Contents on their way from the registry to the manager. */
    @Nullable
    UnitFile file;

    /** What the manager last said. */
    @Nullable
    ObservedState observed;

    /** A start was issued since the last stop, whether or not the manager has told of it yet. */
    boolean mayRun;

    /** It was stopped since the manager last said that it runs; what it said before is outdated. */
    boolean stopped;

    /** The order to start that it was stopped for last, with its file in place: for that it is not stopped again. */
    @Nullable
    Order stoppedFor;

    /** It had failed already when its start was issued, and has been in no other state since: that does not show that it was started. */
    boolean failedBefore;

    /** A start was issued, and the manager has told neither that the unit is up nor that the start is over. */
    boolean startComing;

    /** A step is under way; the next is chosen when it ends. */
    boolean busy;

    /** Its installation failed as one of many: it is tried by itself. */
    boolean installAlone;

    /** The wave that it is in, and the one that its start waits for; 0 for none. See {@link Waves}. */
    long wave;

    long startAfter;

    /** Its entry in the digest over assignments, null when it has none. */
    @Nullable
    Long assignmentHash;

    /** Why the last step failed, empty when it did not. */
    String error = "";

    /** Failed tries in a row of the same step. */
    int failures;

    /** Waits before the next try. */
    Loop.@Nullable Timer retry;

    /** The state last handed to the reports, null when there is none. */
    @Nullable
    UnitState reported;

    /** Of its order, if that is a part of a trace. */
    @Nullable
    OrderTrace trace;

    ManagedUnit(String name) {
        this.name = name;
    }

    void step(String what) {
        if (trace != null) {
            trace.step(what);
        }
    }

    void stepEnded(String why) {
        if (trace != null) {
            trace.stepEnded(why);
        }
    }

    void traceEnds(String outcome) {
        if (trace != null) {
            trace.end(outcome);
        }
    }

    /** Found on the machine, ordered by nobody. */
    boolean found() {
        return order == null && !removing;
    }

    boolean running() {
        return mayRun || (observedRunning() && !stopped);
    }

    /** Whether systemd counts the unit as up, coming up or going down. */
    boolean observedRunning() {
        return observed != null && isRunning(observed);
    }

    boolean observedFailed() {
        return observed != null && observed.activeState().equals("failed");
    }

    /** Whether systemd is stopping it. */
    boolean goesDown() {
        return observed != null && !stopped && observed.activeState().equals("deactivating");
    }

    static boolean isRunning(ObservedState state) {
        return switch (state.activeState()) {
            case "active", "activating", "reloading", "deactivating", "refreshing", "maintenance" -> true;
            default -> false;
        };
    }

    boolean isInstalled(UnitHash hash) {
        return hash.equals(installed);
    }

    void cancelRetry() {
        if (retry != null) {
            retry.cancel();
            retry = null;
        }
    }

    JournalEntry toEntry() {
        return new JournalEntry(name, order, removing, done);
    }
}
