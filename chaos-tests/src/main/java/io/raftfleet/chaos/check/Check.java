package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.History;

/** Looks at a whole history for breaches of one promise. Holds no state. */
public interface Check {
    /** What is promised, in a few words. */
    String promise();

    /** Whether a campaign promises this: its parts that the promise is about were there. */
    default boolean applies(History history) {
        return true;
    }

    /** Looks. */
    Finding check(History history);
}
