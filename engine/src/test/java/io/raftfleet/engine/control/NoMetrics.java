package io.raftfleet.engine.control;

import java.time.Duration;

/** For tests that count nothing. */
public final class NoMetrics implements DecisionMetrics {
    @Override
    public void leading() {}

    @Override
    public void decided(int scheduled, int unscheduled, Duration took) {}

    @Override
    public void failed(int scheduled, int unscheduled) {}
}
