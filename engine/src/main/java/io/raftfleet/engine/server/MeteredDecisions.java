package io.raftfleet.engine.server;

import io.raftfleet.engine.control.DecisionMetrics;
import io.raftfleet.engine.metrics.EngineMetrics;
import java.time.Duration;
import java.time.InstantSource;

/** The decision thread's work under fleet's metric names. */
record MeteredDecisions(EngineMetrics metrics, InstantSource clock) implements DecisionMetrics {
    @Override
    public void leading() {
        metrics.leaderStarted(clock.instant());
    }

    @Override
    public void decided(int records, int placements, Duration took) {
        metrics.reconciled(took);
        metrics.operation(EngineMetrics.Operation.SET, took, false);
        for (int i = 0; i < placements; i++) {
            metrics.taskDone(EngineMetrics.Task.SCHEDULE);
        }
    }

    @Override
    public void failed() {
        metrics.reconcileFailed(EngineMetrics.ReconcileFailure.RUN);
        metrics.operation(EngineMetrics.Operation.SET, Duration.ZERO, true);
    }
}
