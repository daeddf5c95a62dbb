package io.raftfleet.engine.schedule;

/** What the scheduler wants changed. {@code reason} is for people and logs. */
public sealed interface Decision {
    /** Name of the unit that is decided on. */
    String unit();

    /** Why, for people and logs. */
    String reason();

    /** The unit belongs on this machine. When it is on another one now, it moves. */
    record Schedule(String unit, String machineId, String reason) implements Decision {}

    /** The unit belongs on no machine: its target state is inactive, or no machine will do. */
    record Unschedule(String unit, String reason) implements Decision {}
}
