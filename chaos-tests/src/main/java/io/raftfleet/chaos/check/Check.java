package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.History;

/** Looks at a whole history for breaches of one promise. Holds no state. */
public interface Check {
    /** What is promised, in a few words. */
    String promise();

    /** Looks. */
    Finding check(History history);
}
