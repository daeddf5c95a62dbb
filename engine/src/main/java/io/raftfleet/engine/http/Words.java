package io.raftfleet.engine.http;

import io.raftfleet.proto.model.TargetState;
import org.jspecify.annotations.Nullable;

/** fleet's words for the states of a unit. */
final class Words {
    private Words() {}

    /** Null for a state that fleet leaves out: that of a global unit, which has one a machine. */
    static @Nullable String of(TargetState state) {
        return switch (state) {
            case TARGET_STATE_INACTIVE -> "inactive";
            case TARGET_STATE_LOADED -> "loaded";
            case TARGET_STATE_LAUNCHED -> "launched";
            case TARGET_STATE_UNSPECIFIED, UNRECOGNIZED -> null;
        };
    }

    /**
     * The state of this name; {@code UNSPECIFIED} when it is absent.
     *
     * @throws HttpProblem 400 for any other word
     */
    static TargetState parse(String unit, @Nullable String word) {
        return switch (word) {
            case null -> TargetState.TARGET_STATE_UNSPECIFIED;
            case "" -> TargetState.TARGET_STATE_UNSPECIFIED;
            case "inactive" -> TargetState.TARGET_STATE_INACTIVE;
            case "loaded" -> TargetState.TARGET_STATE_LOADED;
            case "launched" -> TargetState.TARGET_STATE_LAUNCHED;
            default ->
                throw new HttpProblem(
                        400,
                        "unit \"" + unit + "\": desiredState \"" + word
                                + "\" is unknown; it is one of inactive, loaded, launched");
        };
    }
}
