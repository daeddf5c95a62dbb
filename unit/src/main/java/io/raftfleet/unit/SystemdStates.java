package io.raftfleet.unit;

import java.util.Set;

/**
 * The states that units have in systemd 252 to 257, of all types ({@code src/basic/unit-def.c} in its source), with those that are known of
 * later versions. What an agent reports is one of these, or empty: engines refuse any other.
 */
public final class SystemdStates {
    private static final Set<String> LOAD =
            Set.of("stub", "loaded", "not-found", "bad-setting", "error", "merged", "masked");
    private static final Set<String> ACTIVE = Set.of(
            "active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing");
    private static final Set<String> SUB = Set.of(
            "abandoned",
            "activating",
            "activating-done",
            "active",
            "auto-restart",
            "auto-restart-queued",
            "cleaning",
            "condition",
            "deactivating",
            "deactivating-sigkill",
            "deactivating-sigterm",
            "dead",
            "dead-before-auto-restart",
            "dead-resources-pinned",
            "deferred",
            "elapsed",
            "exited",
            "failed",
            "failed-before-auto-restart",
            "final-sigkill",
            "final-sigterm",
            "final-watchdog",
            "listening",
            "mounted",
            "mounting",
            "mounting-done",
            "plugged",
            "refresh-credentials",
            "refresh-extensions",
            "reload",
            "reload-notify",
            "reload-post",
            "reload-signal",
            "remounting",
            "remounting-sigkill",
            "remounting-sigterm",
            "running",
            "start",
            "start-chown",
            "start-open",
            "start-post",
            "start-pre",
            "stop",
            "stop-post",
            "stop-pre",
            "stop-pre-sigkill",
            "stop-pre-sigterm",
            "stop-sigkill",
            "stop-sigterm",
            "stop-watchdog",
            "tentative",
            "unmounting",
            "unmounting-sigkill",
            "unmounting-sigterm",
            "waiting");

    private SystemdStates() {}

    /** All active states that are known. */
    public static Set<String> activeStates() {
        return ACTIVE;
    }

    public static boolean isLoadState(String state) {
        return LOAD.contains(state);
    }

    public static boolean isActiveState(String state) {
        return ACTIVE.contains(state);
    }

    public static boolean isSubState(String state) {
        return SUB.contains(state);
    }

    /** The state itself, or, of a systemd that knows more of them, the one that says most nearly the same: it was found. */
    public static String knownLoadState(String state) {
        return state.isEmpty() || isLoadState(state) ? state : "loaded";
    }

    /** The state itself, or the one that says most nearly the same: it is neither down nor failed. */
    public static String knownActiveState(String state) {
        return state.isEmpty() || isActiveState(state) ? state : "active";
    }

    /**
     * The state itself, or the one that says most nearly the same.
     *
     * @param activeState of the same unit
     */
    public static String knownSubState(String state, String activeState) {
        if (state.isEmpty() || isSubState(state)) {
            return state;
        }
        return switch (activeState) {
            case "inactive" -> "dead";
            case "failed" -> "failed";
            case "activating" -> "start";
            case "deactivating" -> "stop";
            case "reloading" -> "reload";
            default -> "running";
        };
    }
}
