package io.raftfleet.engine.metrics;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.core.metrics.SummaryWithCallback;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Quantile;
import io.prometheus.metrics.model.snapshots.Quantiles;
import io.raftfleet.engine.admission.AdmissionMetrics;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.etcd.MirrorStatus;
import io.raftfleet.identity.Credentials;
import io.raftfleet.state.raft.LogTimes;
import io.raftfleet.state.raft.RaftView;
import io.raftfleet.traces.SpanCounts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * An engine's metrics. Names and labels that fleet has ({@code metrics/metrics.go}, namespace {@code fleet}) are kept as
 * they are, so that its dashboards go on working; what is new stands beside them. Thread-safe, and cheap enough for every
 * operation.
 */
public final class EngineMetrics implements AdmissionMetrics {
    /** Of {@link #scrape}. */
    public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    /** What the scheduler does with a unit; fleet's task types, in lower case as its labels have them. */
    public enum Task {
        SCHEDULE("attemptscheduleunit"),
        UNSCHEDULE("unscheduleunit");

        private final String label;

        Task(String label) {
            this.label = label;
        }
    }

    /** Why a round of scheduling could not do what it wanted; fleet's labels. */
    public enum ReconcileFailure {
        /** A machine went away with units on it. */
        MACHINE_AWAY("machine_away"),
        RUN("run"),
        /** No machine admits a unit. */
        SCHEDULE("schedule");

        private final String label;

        ReconcileFailure(String label) {
            this.label = label;
        }
    }

    /** Kinds of calls on the registry; fleet's labels. */
    public enum Operation {
        GET("get"),
        GET_ALL("get_all"),
        SET("set");

        private final String label;

        Operation(String label) {
            this.label = label;
        }
    }

    private final PrometheusRegistry registry;
    private final PrometheusTextFormatWriter writer =
            PrometheusTextFormatWriter.builder().build();
    private final Gauge leaderStartTime;
    private final Counter tasks;
    private final Counter taskFailures;
    private final Counter reconciles;
    private final Histogram reconcileSeconds;
    private final Counter reconcileFailures;
    private final Counter operations;
    private final Histogram operationSeconds;
    private final Counter operationFailures;
    private final Counter httpRequests;
    private final Histogram httpSeconds;
    private final Counter grpcAdmitted;
    private final Counter grpcRefused;
    private final Gauge grpcCalls;
    private final Counter grpcConnectionsRefused;
    private final Counter grpcEnded;

    /** Registers everything; a registry takes one engine's metrics. */
    public EngineMetrics(PrometheusRegistry registry, EngineHealth health) {
        this.registry = registry;
        leaderStartTime = Gauge.builder()
                .name("fleet_engine_leader_start_time")
                .help("When this engine last became leader, in seconds of Unix time; 0 if it never was.")
                .register(registry);
        tasks = counter("fleet_engine_task_count_total", "Scheduling tasks done.", "type");
        taskFailures = counter("fleet_engine_task_failure_count_total", "Scheduling tasks that failed.", "type");
        reconciles = counter("fleet_engine_reconcile_count_total", "Rounds of scheduling.");
        reconcileSeconds = histogram("fleet_engine_reconcile_duration_second", "Duration of a round of scheduling.");
        reconcileFailures = counter(
                "fleet_engine_reconcile_failure_count_total", "What rounds of scheduling could not do.", "type");
        operations = counter("fleet_registry_operation_count_total", "Registry operations done.", "type");
        operationSeconds =
                histogram("fleet_registry_operation_duration_second", "Duration of a registry operation.", "ops");
        operationFailures =
                counter("fleet_registry_operation_failed_count_total", "Registry operations that failed.", "type");
        httpRequests = counter("fleet_http_request_count_total", "HTTP requests answered.", "resource", "code");
        httpSeconds = histogram("fleet_http_request_duration_second", "Duration of an HTTP request.", "resource");
        grpcAdmitted = counter("fleet_grpc_calls_admitted_total", "gRPC calls that were begun.", "kind");
        grpcRefused = counter("fleet_grpc_calls_refused_total", "gRPC calls over a limit.", "kind", "limit");
        grpcCalls = Gauge.builder()
                .name("fleet_grpc_calls")
                .help("gRPC calls under way.")
                .labelNames("kind")
                .register(registry);
        grpcEnded = counter("fleet_grpc_calls_ended_total", "gRPC calls that have ended.", "method", "code");
        grpcConnectionsRefused =
                counter("fleet_grpc_connections_refused_total", "gRPC connections closed as they came, over a limit.");

        for (Task task : Task.values()) {
            tasks.initLabelValues(task.label);
            taskFailures.initLabelValues(task.label);
        }
        for (ReconcileFailure reason : ReconcileFailure.values()) {
            reconcileFailures.initLabelValues(reason.label);
        }
        for (Operation operation : Operation.values()) {
            operations.initLabelValues(operation.label);
            operationSeconds.initLabelValues(operation.label);
            operationFailures.initLabelValues(operation.label);
        }

        gauge(health, "fleet_raft_leading", "1 on the engine that leads.", view -> view.leading() ? 1 : 0);
        gauge(
                health,
                "fleet_raft_leader_known",
                "1 while this engine knows a leader.",
                view -> view.leaderId().isEmpty() ? 0 : 1);
        gauge(health, "fleet_raft_term", "Raft term.", EngineHealth.View::term);
        gauge(health, "fleet_raft_commit_index", "Highest committed index known.", EngineHealth.View::commitIndex);
        gauge(health, "fleet_raft_applied_index", "Highest index applied.", EngineHealth.View::appliedIndex);
        gauge(health, "fleet_registry_units", "Units in the registry.", EngineHealth.View::units);
        gauge(health, "fleet_registry_machines", "Present machines.", EngineHealth.View::machines);
        gauge(
                health,
                "fleet_registry_machines_lost",
                "Machines that are lost, and not forgotten.",
                EngineHealth.View::lostMachines);
        gauge(
                health,
                "fleet_registry_units_unplaced",
                "Units that are to be on a machine, and that no machine has; global ones aside.",
                EngineHealth.View::unplaced);
        gauge(health, "fleet_registry_unit_states", "Unit states in the registry.", EngineHealth.View::unitStates);
        gauge(
                health,
                "fleet_registry_unit_states_failed",
                "Unit states in the registry that say \"failed\".",
                EngineHealth.View::failedStates);
        gauge(
                health,
                "fleet_raft_absent",
                "1 while this engine takes no part in the cluster, as its disk is full; /readyz says so.",
                view -> view.absence().isEmpty() ? 0 : 1);
        gauge(
                health,
                "fleet_registry_quota_bytes",
                "Bytes of the heap that the registry may take: the cluster's on the leader, elsewhere this engine's own.",
                EngineHealth.View::quota);
        GaugeWithCallback.builder()
                .name("fleet_registry_heap_bytes")
                .help(
                        "Bytes of the heap that the registry takes, estimated. All but \"events\" count against the quota.")
                .labelNames("kind")
                .callback(gauge -> {
                    var memory = health.view().memory();
                    gauge.call((double) memory.units(), "units");
                    gauge.call((double) memory.contents(), "contents");
                    gauge.call((double) memory.states(), "states");
                    gauge.call((double) memory.machines(), "machines");
                    gauge.call((double) memory.requests(), "requests");
                    gauge.call((double) memory.removals(), "removals");
                    gauge.call((double) memory.events(), "events");
                })
                .register(registry);
        JvmMetrics.builder().register(registry);
    }

    /** Writes are traced. */
    public void traces(SpanCounts counts) {
        CounterWithCallback.builder()
                .name("fleet_traces_spans_total")
                .help(
                        "Spans of traces that have ended: sent, not taken by the collector (failed), or without room to wait"
                                + " (dropped).")
                .labelNames("outcome")
                .callback(counter -> {
                    counter.call((double) counts.sent(), "sent");
                    counter.call((double) counts.failed(), "failed");
                    counter.call((double) counts.dropped(), "dropped");
                })
                .register(registry);
    }

    /** There is a mirror in etcd. Zero all the time on engines that don't lead, but for the counts. */
    public void mirror(Supplier<MirrorStatus> status) {
        mirrorGauge(
                status, "fleet_etcd_mirror_active", "1 on the engine that writes the mirror.", s -> s.active() ? 1 : 0);
        mirrorGauge(
                status,
                "fleet_etcd_mirror_behind_since_seconds",
                "Unix time since when etcd has not got everything; 0 when it has.",
                s -> s.behindSinceMs() / 1000.0);
        mirrorGauge(
                status,
                "fleet_etcd_mirror_failing_since_seconds",
                "Unix time since when etcd can't be written; 0 when it can.",
                s -> s.errorSinceMs() / 1000.0);
        mirrorCounter(status, "fleet_etcd_mirror_keys_total", "Keys put and deleted.", MirrorStatus::keysWritten);
        mirrorCounter(status, "fleet_etcd_mirror_bytes_total", "Keys and values written.", MirrorStatus::bytesWritten);
        mirrorCounter(status, "fleet_etcd_mirror_transactions_total", "Transactions.", MirrorStatus::transactions);
        mirrorCounter(status, "fleet_etcd_mirror_put_right_total", "Keys that others changed.", MirrorStatus::putRight);
    }

    /** This engine leads, from now on. */
    public void leaderStarted(Instant now) {
        leaderStartTime.set((double) now.getEpochSecond());
    }

    /** So many units were placed or taken off their machines. */
    public void tasksDone(Task task, int count) {
        tasks.labelValues(task.label).inc(count);
    }

    /** So many units were to be placed or taken off their machines, and it is not known whether they were. */
    public void tasksFailed(Task task, int count) {
        taskFailures.labelValues(task.label).inc(count);
    }

    /** A round of scheduling ended. */
    public void reconciled(Duration took) {
        reconciles.inc();
        reconcileSeconds.observe(seconds(took));
    }

    /** Something that a round of scheduling could not do. */
    public void reconcileFailed(ReconcileFailure reason) {
        reconcileFailures.labelValues(reason.label).inc();
    }

    /** A registry operation ended; one that failed is counted apart and not timed, as in fleet. */
    public void operation(Operation operation, Duration took, boolean failed) {
        if (failed) {
            operationFailures.labelValues(operation.label).inc();
        } else {
            operations.labelValues(operation.label).inc();
            operationSeconds.labelValues(operation.label).observe(seconds(took));
        }
    }

    /**
     * An HTTP request was answered.
     *
     * @param resource which part of the API, out of a small fixed set
     */
    public void httpRequest(String resource, int status, Duration took) {
        httpRequests.labelValues(resource, Integer.toString(status)).inc();
        httpSeconds.labelValues(resource).observe(seconds(took));
    }

    @Override
    public void admitted(String kind) {
        grpcAdmitted.labelValues(kind).inc();
        grpcCalls.labelValues(kind).inc();
    }

    @Override
    public void ended(String kind) {
        grpcCalls.labelValues(kind).dec();
    }

    @Override
    public void closed(String method, String code) {
        grpcEnded.labelValues(method, code).inc();
    }

    @Override
    public void refused(String kind, String reason) {
        grpcRefused.labelValues(kind, reason).inc();
    }

    @Override
    public void connectionRefused() {
        grpcConnectionsRefused.inc();
    }

    /** What gRPC calls under way hold, in bytes. */
    public void grpcBytes(LongSupplier requests, LongSupplier answers) {
        GaugeWithCallback.builder()
                .name("fleet_grpc_bytes")
                .help("Bytes that gRPC calls under way hold: requests, and answers that clients have not taken.")
                .labelNames("of")
                .callback(gauge -> {
                    gauge.call((double) requests.getAsLong(), "requests");
                    gauge.call((double) answers.getAsLong(), "answers");
                })
                .register(registry);
    }

    /** What waits for the decision thread, by lane. */
    public void decisions(Supplier<Map<String, Integer>> waiting) {
        GaugeWithCallback.builder()
                .name("fleet_decisions_waiting")
                .help("Clients' requests, and agents' sessions, reports and losses, that wait to be decided.")
                .labelNames("of")
                .callback(gauge -> waiting.get().forEach((lane, count) -> gauge.call(count, lane)))
                .register(registry);
    }

    /** Restarts by systemd that machines have reported since this engine started, by the active state that was reported with them. */
    public void restarts(Supplier<Map<String, Long>> restarts) {
        CounterWithCallback.builder()
                .name("fleet_unit_restarts_total")
                .help(
                        "Restarts of units by systemd, told of by machines since this engine started, by the active state after it.")
                .labelNames("state")
                .callback(counter -> restarts.get().forEach((state, count) -> counter.call((double) count, state)))
                .register(registry);
    }

    /** Units that no machine has though one should, by what keeps them off; nothing on engines that don't lead. */
    public void unplaced(Supplier<Map<String, Integer>> byVeto) {
        GaugeWithCallback.builder()
                .name("fleet_registry_units_unplaced_by_veto")
                .help(
                        "Units that are to be on a machine, and that no machine has, by the kind of requirement that leaves the fewest"
                                + " machines, on the leader.")
                .labelNames("veto")
                .callback(gauge -> byVeto.get().forEach((veto, count) -> gauge.call((double) count, veto)))
                .register(registry);
    }

    /** How long this engine's log takes. */
    public void logTimes(Supplier<Map<String, LogTimes>> times) {
        // Without a sum: Ratis keeps none.
        SummaryWithCallback.builder()
                .name("fleet_raft_log_seconds")
                .help(
                        "How long a step of writing the log took of late: append (until the entry is on the disk), flush (the"
                                + " disk's part of it) and queue (until its turn comes); and how many there were since the engine joined its"
                                + " group.")
                .labelNames("step")
                .callback(summary -> times.get()
                        .forEach((step, time) -> summary.call(
                                time.count(),
                                Double.NaN,
                                Quantiles.of(new Quantile(0.5, time.median()), new Quantile(0.99, time.p99())),
                                step)))
                .register(registry);
    }

    /** Agents in session; none on engines that don't lead. */
    public void sessions(IntSupplier count) {
        GaugeWithCallback.builder()
                .name("fleet_agent_sessions")
                .help("Agents that are in session with this engine; 0 while it does not lead.")
                .callback(gauge -> gauge.call(count.getAsInt()))
                .register(registry);
    }

    /** How far each follower is; nothing on engines that don't lead. */
    public void followers(Supplier<RaftView> raft) {
        GaugeWithCallback.builder()
                .name("fleet_raft_follower_behind_entries")
                .help("Entries that are committed and that a follower's log is not known to have, on the leader.")
                .labelNames("engine")
                .callback(gauge -> {
                    var view = raft.get();
                    view.matchIndex()
                            .forEach((engine, match) ->
                                    gauge.call((double) Math.max(0, view.commitIndex() - match), engine));
                })
                .register(registry);
        GaugeWithCallback.builder()
                .name("fleet_raft_follower_silent_seconds")
                .help("Time since a follower last answered, on the leader.")
                .labelNames("engine")
                .callback(gauge -> raft.get().silence().forEach((engine, ms) -> gauge.call(ms / 1000.0, engine)))
                .register(registry);
    }

    /** When this engine's certificate, and the first of the authorities that it believes, end. */
    public void certificates(Supplier<Credentials> current) {
        GaugeWithCallback.builder()
                .name("fleet_certificate_not_after_seconds")
                .help("When a certificate ends, in Unix time: this engine's own, and the authority that ends first.")
                .labelNames("certificate")
                .callback(gauge -> {
                    var credentials = current.get();
                    gauge.call(notAfter(credentials.chain().getFirst()), "engine");
                    credentials.authorities().stream()
                            .mapToDouble(EngineMetrics::notAfter)
                            .min()
                            .ifPresent(first -> gauge.call(first, "authority"));
                })
                .register(registry);
    }

    private static double notAfter(X509Certificate certificate) {
        return (double) certificate.getNotAfter().toInstant().getEpochSecond();
    }

    /** Everything in the registry, in Prometheus' text format. */
    public byte[] scrape() {
        ByteArrayOutputStream text = new ByteArrayOutputStream(32 * 1024);
        try {
            writer.write(text, registry.scrape());
        } catch (IOException e) {
            throw new UncheckedIOException("metrics could not be written", e);
        }
        return text.toByteArray();
    }

    private Counter counter(String name, String help, String... labels) {
        return Counter.builder().name(name).help(help).labelNames(labels).register(registry);
    }

    private Histogram histogram(String name, String help, String... labels) {
        return Histogram.builder()
                .name(name)
                .help(help)
                .labelNames(labels)
                .classicOnly()
                .register(registry);
    }

    private void gauge(EngineHealth health, String name, String help, ToDoubleFunction<EngineHealth.View> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(gauge -> gauge.call(value.applyAsDouble(health.view())))
                .register(registry);
    }

    private void mirrorGauge(
            Supplier<MirrorStatus> status, String name, String help, ToDoubleFunction<MirrorStatus> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(gauge -> gauge.call(value.applyAsDouble(status.get())))
                .register(registry);
    }

    private void mirrorCounter(
            Supplier<MirrorStatus> status, String name, String help, ToDoubleFunction<MirrorStatus> value) {
        CounterWithCallback.builder()
                .name(name)
                .help(help)
                .callback(counter -> counter.call(value.applyAsDouble(status.get())))
                .register(registry);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
