package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import java.util.List;

/**
 * A promise that was broken.
 *
 * @param what happened, to which thing
 * @param at when it showed, in nanoseconds since the campaign began
 * @param evidence the events that show it
 */
public record Violation(String what, long at, List<Event> evidence) {
    public Violation {
        evidence = List.copyOf(evidence);
    }
}
