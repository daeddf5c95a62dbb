package io.raftfleet.engine.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.raftfleet.engine.api.EngineHealth;
import io.raftfleet.identity.Credentials;
import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.state.MemoryUse;
import io.raftfleet.state.raft.LogTimes;
import io.raftfleet.state.raft.RaftView;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is scraped of an engine that does not do well. */
class EngineMetricsTest {
    private final EngineMetrics metrics = new EngineMetrics(
            new PrometheusRegistry(),
            () -> new EngineHealth.View(
                    "e1",
                    "c1",
                    true,
                    "e1",
                    "its disk is full",
                    "",
                    7,
                    42,
                    41,
                    10,
                    4,
                    1,
                    2,
                    9,
                    3,
                    new MemoryUse(1, 2, 3, 4, 5, 6, 7),
                    64));

    @TempDir
    private Path dir;

    @Test
    void whatIsWrongInTheRegistryIsCounted() {
        assertThat(scraped())
                .contains(
                        "fleet_registry_machines 4.0",
                        "fleet_registry_machines_lost 1.0",
                        "fleet_registry_units_unplaced 2.0",
                        "fleet_registry_unit_states_failed 3.0",
                        "fleet_raft_absent 1.0");
    }

    @Test
    void restartsAndWhatKeepsUnitsOffAreTold() {
        metrics.restarts(() -> Map.of("activating", 4L));
        metrics.unplaced(() -> Map.of("machine_metadata", 2, "conflicts", 0));
        assertThat(scraped())
                .contains(
                        "fleet_unit_restarts_total{state=\"activating\"} 4.0",
                        "fleet_registry_units_unplaced_by_veto{veto=\"conflicts\"} 0.0",
                        "fleet_registry_units_unplaced_by_veto{veto=\"machine_metadata\"} 2.0");
    }

    @Test
    void aFollowersLagIsOfWhatIsCommitted() {
        metrics.followers(() -> new RaftView(
                RaftView.Role.LEADER,
                7,
                42,
                41,
                0,
                List.of(),
                null,
                7,
                50,
                Map.of("e2", 40L, "e3", 45L),
                Map.of("e2", 1500L)));
        metrics.sessions(() -> 3);
        assertThat(scraped())
                .contains(
                        "fleet_raft_follower_behind_entries{engine=\"e2\"} 2.0",
                        "fleet_raft_follower_behind_entries{engine=\"e3\"} 0.0",
                        "fleet_raft_follower_silent_seconds{engine=\"e2\"} 1.5",
                        "fleet_agent_sessions 3.0");
    }

    @Test
    void whatWaitsAndHowLongTheLogTakesIsTold() {
        metrics.decisions(() -> Map.of("clients", 7, "agents", 9));
        metrics.logTimes(() -> Map.of("flush", new LogTimes(12, 0.002, 0.25)));
        metrics.closed("raftfleet.fleet.Fleet/ListUnits", "OK");
        assertThat(scraped())
                .contains(
                        "fleet_decisions_waiting{of=\"clients\"} 7.0",
                        "fleet_decisions_waiting{of=\"agents\"} 9.0",
                        "fleet_raft_log_seconds{step=\"flush\",quantile=\"0.5\"} 0.002",
                        "fleet_raft_log_seconds{step=\"flush\",quantile=\"0.99\"} 0.25",
                        "fleet_raft_log_seconds_count{step=\"flush\"} 12",
                        "fleet_grpc_calls_ended_total{code=\"OK\",method=\"raftfleet.fleet.Fleet/ListUnits\"} 1.0");
    }

    @Test
    void certificatesSayWhenTheyEnd() throws IOException {
        var now = Instant.parse("2026-01-01T00:00:00Z");
        var authority = CertificateAuthority.create(dir.resolve("ca"), "c1", now, Duration.ofDays(10));
        var files = new TlsFiles(dir.resolve("ca/ca.pem"), dir.resolve("e1.pem"), dir.resolve("e1-key.pem"));
        authority
                .issue(Kind.ENGINE, "e1", Optional.empty(), List.of(), now, Duration.ofDays(1))
                .write(files.certificate(), files.key());
        var credentials = Credentials.read(files, now);
        metrics.certificates(() -> credentials);
        assertThat(scraped())
                .contains(
                        "fleet_certificate_not_after_seconds{certificate=\"engine\"} "
                                + (double) now.plus(Duration.ofDays(1)).getEpochSecond(),
                        "fleet_certificate_not_after_seconds{certificate=\"authority\"} "
                                + (double) now.plus(Duration.ofDays(10)).getEpochSecond());
    }

    private List<String> scraped() {
        return new String(metrics.scrape(), StandardCharsets.UTF_8).lines().toList();
    }
}
