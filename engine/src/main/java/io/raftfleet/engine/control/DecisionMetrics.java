package io.raftfleet.engine.control;

import java.time.Duration;

/** What the decision thread tells of its work. Called by it; must be quick. */
public interface DecisionMetrics {
    /** It has begun to lead. */
    void leading();

    /** An entry was decided and applied. */
    void decided(int records, int placements, Duration took);

    /** An entry's fate is unknown. */
    void failed();
}
