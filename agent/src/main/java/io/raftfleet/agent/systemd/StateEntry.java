package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitHash;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One unit in a {@link StateTable}, guarded by its lock. Strings are interned: there are few states and many units. */
final class StateEntry implements PropertyScan.Visitor {
    private static final Set<String> PROPERTIES = Set.of(
            "LoadState",
            "ActiveState",
            "SubState",
            "ConditionResult",
            "MainPID",
            "NRestarts",
            "Result",
            "ExecMainCode",
            "ExecMainStatus");

    final String name;
    UnitHash hash;
    String load = "loaded";
    String active = "";
    String sub = "";
    int mainPid;
    /** How often systemd has started it again by itself, as far as signals have told. */
    int restarts;
    /** Whether this connection has told the main process; only then a state is told. */
    boolean pidKnown;
    /** Its file has changed since systemd last told of it: what it says of the file before is not told. */
    boolean changed;
    /** Which of all installations that was; see {@link StateTable#installs}. */
    long installed;
    /** Whether its last start met all conditions, as far as signals have told. */
    boolean conditionsMet = true;

    String result = "";
    int exitCode;
    int exitStatus;
    /** Whether this connection has told how it ended. */
    boolean endingKnown;

    // From the signal of the unit's type, which the unit's own follows; null and -1 for none.
    @Nullable
    String comingResult;

    int comingPid = -1;
    int comingRestarts = -1;
    int comingCode = -1;
    int comingStatus = -1;

    /** Why its last start came to nothing; empty when it did not, or is not known to have. */
    String fault = "";
    /** Why it can't be loaded; null when that is not known. */
    @Nullable
    String loadFault;
    /** What of the host stands in its place; empty for nothing. */
    String shadow = "";
    /** Files of the host that change it; empty for none. */
    String dropIns = "";

    StateEntry(String name, UnitHash hash) {
        this.name = name;
        this.hash = hash;
    }

    boolean isKnown() {
        return !active.isEmpty();
    }

    /** Whether nobody has told its state, or not since its file changed. */
    boolean isUnknown() {
        return !isKnown() || changed;
    }

    ObservedState state() {
        return new ObservedState(load, active, sub, mayHaveProcess(active) ? mainPid : 0, hash, error(), restarts);
    }

    /** Why it is not as its file says, without its name; empty when nothing is wrong. */
    String error() {
        String fault = ownError();
        return fault.isEmpty() || dropIns.isEmpty() ? fault : fault + "; this machine changes the unit by " + dropIns;
    }

    private String ownError() {
        if (!shadow.isEmpty()) {
            return shadow;
        }
        if (!load.equals("loaded") && loadFault != null && !loadFault.isEmpty()) {
            return loadFault;
        }
        if (!fault.isEmpty()) {
            return fault;
        }
        return hasFailed() || (active.equals("inactive") && result.equals("exec-condition"))
                ? Endings.words(result, exitCode, exitStatus)
                : "";
    }

    /** Whether it failed, also if systemd is going to start it again. */
    boolean hasFailed() {
        return active.equals("failed") || sub.startsWith("auto-restart");
    }

    @Nullable
    ObservedState stateIfKnown() {
        return isKnown() ? state() : null;
    }

    @Override
    public boolean wants(String property) {
        return PROPERTIES.contains(property);
    }

    @Override
    public void text(String property, String value) {
        switch (property) {
            case "LoadState" -> load = value.intern();
            case "ActiveState" -> active = value.intern();
            case "Result" -> comingResult = value.intern();
            default -> sub = value.intern();
        }
    }

    @Override
    public void number(String property, long value) {
        switch (property) {
            case "MainPID" -> comingPid = (int) value;
            case "NRestarts" -> comingRestarts = (int) value;
            case "ExecMainCode" -> comingCode = (int) value;
            case "ExecMainStatus" -> comingStatus = (int) value;
            default -> conditionsMet = value != 0;
        }
    }

    /** What the signal of the unit's type has brought holds from the unit's own signal on. */
    void take() {
        if (comingPid >= 0) {
            setPid(comingPid);
        }
        restarts = comingRestarts >= 0 ? comingRestarts : restarts;
        if (comingResult != null) {
            result = comingResult;
            endingKnown = true;
        }
        exitCode = comingCode >= 0 ? comingCode : exitCode;
        exitStatus = comingStatus >= 0 ? comingStatus : exitStatus;
        nothingComes();
    }

    void nothingComes() {
        comingPid = -1;
        comingRestarts = -1;
        comingResult = null;
        comingCode = -1;
        comingStatus = -1;
    }

    /**
     * The unit may be in another state than before: faults of earlier are over once it comes up. One that is still starting, be it a step
     * further, keeps what is wrong with that.
     */
    void moved(String before, String subBefore) {
        boolean same = active.equals(before) && sub.equals(subBefore);
        boolean stillStarting =
                active.equals("activating") && before.equals("activating") && !subBefore.startsWith("auto-restart");
        if (same || stillStarting || !comesUp(active) || sub.startsWith("auto-restart")) {
            return;
        }
        fault = "";
        if (!comesUp(before)) {
            // systemd starts nothing that it has not loaded.
            load = "loaded";
            loadFault = null;
            changed = false;
        }
    }

    boolean lacksPid() {
        return !pidKnown && mayHaveProcess(active) && name.endsWith(".service");
    }

    boolean lacksEnding() {
        return !endingKnown && hasFailed();
    }

    boolean lacksLoadFault() {
        return loadFault == null && !load.equals("loaded") && !load.equals("not-found");
    }

    void setPid(int pid) {
        mainPid = pid;
        pidKnown = true;
    }

    static boolean comesUp(String activeState) {
        return switch (activeState) {
            case "active", "activating", "reloading", "refreshing" -> true;
            default -> false;
        };
    }

    static boolean mayHaveProcess(String activeState) {
        return !activeState.isEmpty() && !activeState.equals("inactive") && !activeState.equals("failed");
    }
}
