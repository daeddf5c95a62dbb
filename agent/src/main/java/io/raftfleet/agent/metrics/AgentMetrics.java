package io.raftfleet.agent.metrics;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.identity.Credentials;
import io.raftfleet.traces.SpanCounts;
import io.raftfleet.unit.SystemdStates;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** An agent's metrics: sums over the machines of its process, of which there is one but where they are hollow. Guarded by its monitor. */
public final class AgentMetrics {
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private final PrometheusRegistry registry;
    private final PrometheusTextFormatWriter writer =
            PrometheusTextFormatWriter.builder().build();

    /** What is being scraped. */
    @GuardedBy("this")
    private List<MachineStatus> machines = List.of();

    /**
     * Registers everything; a registry takes one agent's metrics.
     *
     * @param credentials the certificate with which the first machine shows who it is; empty in plaintext
     */
    public AgentMetrics(String version, Optional<Supplier<Credentials>> credentials, PrometheusRegistry registry) {
        this.registry = registry;
        Info.builder()
                .name("fleet_agent_build_info")
                .help("Version of the agent.")
                .labelNames("version")
                .register(registry)
                .setLabelValues(version);
        gauge("fleet_agent_machines", "Machines of this process; one, but where they are hollow.", List::size);
        gauge(
                "fleet_agent_machines_in_session",
                "Machines that an engine has in session.",
                all -> all.stream().filter(MachineStatus::inSession).count());
        counter(
                "fleet_agent_sessions_opened_total",
                "Sessions since the agent started.",
                all -> all.stream().mapToLong(MachineStatus::sessions).sum());
        gauge(
                "fleet_agent_changes_unacknowledged",
                "Units with changes that the registry is not known to have.",
                all -> all.stream().mapToLong(MachineStatus::unacknowledged).sum());
        gauge(
                "fleet_agent_report_lag_seconds",
                "For how long the oldest change has waited that the registry is not known to have.",
                all -> all.stream()
                                .map(MachineStatus::lag)
                                .max(Duration::compareTo)
                                .orElse(Duration.ZERO)
                                .toNanos()
                        / 1e9);
        counter(
                "fleet_agent_unit_restarts_total",
                "How often a unit was seen to wait for systemd to start it again.",
                all -> all.stream().mapToLong(MachineStatus::restarts).sum());
        GaugeWithCallback.builder()
                .name("fleet_agent_units")
                .help("Units of the cluster on these machines, by systemd's active state.")
                .labelNames("state")
                .callback(gauge -> SystemdStates.activeStates()
                        .forEach(state -> gauge.call(
                                scraped().stream()
                                        .mapToInt(each -> each.activeStates().getOrDefault(state, 0))
                                        .sum(),
                                state)))
                .register(registry);
        credentials.ifPresent(current -> GaugeWithCallback.builder()
                .name("fleet_certificate_not_after_seconds")
                .help("When a certificate ends, in Unix time: this machine's own.")
                .labelNames("certificate")
                .callback(gauge -> gauge.call(
                        (double) current.get()
                                .chain()
                                .getFirst()
                                .getNotAfter()
                                .toInstant()
                                .getEpochSecond(),
                        "agent"))
                .register(registry));
        JvmMetrics.builder().register(registry);
    }

    /** Orders are traced. To be called before the first scrape. */
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

    /** Everything in Prometheus' text format. */
    synchronized String scrape(List<MachineStatus> now) {
        machines = now;
        var text = new ByteArrayOutputStream(16 * 1024);
        try {
            writer.write(text, registry.scrape());
        } catch (IOException e) {
            throw new UncheckedIOException("metrics could not be written", e);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    private synchronized List<MachineStatus> scraped() {
        return machines;
    }

    private void gauge(String name, String help, ToDoubleFunction<List<MachineStatus>> value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(gauge -> gauge.call(value.applyAsDouble(scraped())))
                .register(registry);
    }

    private void counter(String name, String help, ToDoubleFunction<List<MachineStatus>> value) {
        CounterWithCallback.builder()
                .name(name)
                .help(help)
                .callback(counter -> counter.call(value.applyAsDouble(scraped())))
                .register(registry);
    }
}
