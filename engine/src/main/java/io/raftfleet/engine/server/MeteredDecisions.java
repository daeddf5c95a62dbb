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
    public void decided(int scheduled, int unscheduled, Duration took) {
        metrics.reconciled(took);
        metrics.operation(EngineMetrics.Operation.SET, took, false);
        metrics.tasksDone(EngineMetrics.Task.SCHEDULE, scheduled);
        metrics.tasksDone(EngineMetrics.Task.UNSCHEDULE, unscheduled);
    }

    @Override
    public void failed(int scheduled, int unscheduled) {
        metrics.reconcileFailed(EngineMetrics.ReconcileFailure.RUN);
        metrics.operation(EngineMetrics.Operation.SET, Duration.ZERO, true);
        metrics.tasksFailed(EngineMetrics.Task.SCHEDULE, scheduled);
        metrics.tasksFailed(EngineMetrics.Task.UNSCHEDULE, unscheduled);
    }
}
