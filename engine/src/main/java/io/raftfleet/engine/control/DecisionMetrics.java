package io.raftfleet.engine.control;

import java.time.Duration;

/** What the decision thread tells of its work. Called by it; must be quick. */
public interface DecisionMetrics {
    /** It has begun to lead. */
    void leading();

    /** An entry was decided and applied, with so many units put on machines and taken off. */
    void decided(int scheduled, int unscheduled, Duration took);

    /** An entry's fate is unknown; it had so many units put on machines and taken off. */
    void failed(int scheduled, int unscheduled);
}
