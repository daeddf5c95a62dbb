package io.raftfleet.client;

import io.raftfleet.proto.model.TargetState;

/** What to wait for after an order for a unit. */
public enum WaitGoal {
    /** In place on a machine whose systemd has loaded it, and not started. */
    LOADED(TargetState.TARGET_STATE_LOADED, "loaded"),
    /** Started, as systemd says, and up or done. */
    UP(TargetState.TARGET_STATE_LAUNCHED, "launched"),
    /** On its machine and down. */
    STOPPED(TargetState.TARGET_STATE_LOADED, "loaded"),
    /** On no machine. */
    UNLOADED(TargetState.TARGET_STATE_INACTIVE, "inactive"),
    /** Not in the registry, and on no machine. */
    DESTROYED(TargetState.TARGET_STATE_INACTIVE, "destroyed");

    private final TargetState target;
    private final String word;

    WaitGoal(TargetState target, String word) {
        this.target = target;
        this.word = word;
    }

    /** The target state that was ordered. */
    public TargetState target() {
        return target;
    }

    /** For people: "launched". */
    public String word() {
        return word;
    }
}
