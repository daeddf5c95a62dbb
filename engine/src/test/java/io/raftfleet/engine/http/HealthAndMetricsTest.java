package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.http.WireClient.Answer;
import io.raftfleet.engine.metrics.EngineMetrics;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is beside the API: health, metrics, the page for people, and the API's description. */
class HealthAndMetricsTest {
    private final Engine engine;
    private final WireClient client;

    HealthAndMetricsTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        engine.close();
    }

    @Test
    void healthFollowsTheLeader() throws IOException {
        Answer well = client.get("/healthz");
        assertThat(well.status()).isEqualTo(200);
        JsonNode view = JsonMapper.shared().readTree(well.body());
        assertThat(view.get("status").stringValue()).isEqualTo("ok");
        assertThat(view.get("leaderId").stringValue()).isEqualTo("engine-1");
        assertThat(view.get("leading").booleanValue()).isTrue();
        assertThat(view.get("term").longValue()).isEqualTo(7);
        assertThat(view.get("appliedIndex").longValue()).isEqualTo(41);
        assertThat(view.get("machines").intValue()).isEqualTo(2);
        assertThat(view.get("registryBytes").longValue()).isEqualTo(6 << 20);
        assertThat(view.get("quotaBytes").longValue()).isEqualTo(64 << 20);

        engine.fleet.setQuorum(false);
        Answer ill = client.get("/healthz");
        assertThat(ill.status()).isEqualTo(503);
        assertThat(ill.body()).contains("no leader is known");
        assertThat(client.get("/readyz").status()).isEqualTo(503);
        assertThat(client.get("/livez").status())
                .as("starting it again would not find a leader")
                .isEqualTo(200);
        assertThat(client.call("HEAD", "/healthz", "").status()).isEqualTo(503);
        assertThat(client.call("POST", "/healthz", "").header("allow")).isEqualTo("GET, HEAD");
    }

    @Test
    void anEngineThatIsCatchingUpIsNotReady() throws IOException {
        engine.fleet.setCatchingUp("it has yet to apply 120 entries");
        Answer started = client.get("/readyz");
        assertThat(started.status()).isEqualTo(503);
        assertThat(started.body()).contains("it has yet to apply 120 entries");
        assertThat(client.get("/livez").status()).isEqualTo(200);

        engine.fleet.setCatchingUp("");
        assertThat(client.get("/readyz").status()).isEqualTo(200);
    }

    @Test
    void anEngineWithAPartThatStandsStillIsNotAlive() throws IOException {
        assertThat(client.get("/livez").body()).isEqualTo("{\"status\":\"ok\"}");
        engine.fleet.stuck = List.of("the decision thread makes no progress", "the timer does not answer");
        Answer ill = client.get("/livez");
        assertThat(ill.status()).isEqualTo(503);
        assertThat(ill.body()).contains("the decision thread makes no progress; the timer does not answer");
        assertThat(client.get("/readyz").status()).isEqualTo(200);
    }

    @Test
    void fleetsMetricsKeepTheirNames() throws IOException {
        EngineMetrics metrics = engine.metrics;
        metrics.leaderStarted(Instant.ofEpochSecond(1_700_000_000));
        metrics.tasksDone(EngineMetrics.Task.SCHEDULE, 1);
        metrics.tasksFailed(EngineMetrics.Task.UNSCHEDULE, 1);
        metrics.reconciled(Duration.ofMillis(20));
        metrics.reconcileFailed(EngineMetrics.ReconcileFailure.MACHINE_AWAY);
        metrics.operation(EngineMetrics.Operation.SET, Duration.ofMillis(3), false);
        metrics.operation(EngineMetrics.Operation.GET_ALL, Duration.ofMillis(3), true);
        client.get("/fleet/v1/units");

        Answer scrape = client.get("/metrics");
        assertThat(scrape.header("content-type")).startsWith("text/plain");
        assertThat(scrape.body().lines().toList())
                .contains(
                        "fleet_registry_quota_bytes 6.7108864E7",
                        "fleet_registry_heap_bytes{kind=\"contents\"} 2097152.0",
                        "fleet_engine_leader_start_time 1.7E9",
                        "fleet_engine_task_count_total{type=\"attemptscheduleunit\"} 1.0",
                        "fleet_engine_task_failure_count_total{type=\"unscheduleunit\"} 1.0",
                        "fleet_engine_reconcile_count_total 1.0",
                        "fleet_engine_reconcile_duration_second_count 1",
                        "fleet_engine_reconcile_duration_second_bucket{le=\"0.025\"} 1",
                        "fleet_engine_reconcile_failure_count_total{type=\"machine_away\"} 1.0",
                        "fleet_registry_operation_count_total{type=\"set\"} 1.0",
                        "fleet_registry_operation_duration_second_count{ops=\"set\"} 1",
                        "fleet_registry_operation_failed_count_total{type=\"get_all\"} 1.0",
                        "fleet_registry_operation_count_total{type=\"get_all\"} 0.0",
                        "fleet_raft_term 7.0",
                        "fleet_raft_leading 1.0",
                        "fleet_raft_commit_index 42.0",
                        "fleet_raft_applied_index 41.0",
                        "fleet_registry_machines 2.0",
                        "fleet_registry_units 0.0",
                        "fleet_registry_unit_states 0.0",
                        "fleet_http_request_count_total{code=\"200\",resource=\"units\"} 1.0");
        assertThat(scrape.body()).contains("jvm_memory_used_bytes{area=\"heap\"}");
    }

    @Test
    void thePageForPeopleIsServedWithWhatItNeeds() throws IOException {
        Answer page = client.get("/");
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.header("content-type")).isEqualTo("text/html; charset=utf-8");
        for (var needed : List.of("/page/page.js", "/page/page.css", "/page/icon.svg")) {
            assertThat(page.body()).contains("\"" + needed + "\"");
            assertThat(client.get(needed).status()).as(needed).isEqualTo(200);
        }
        assertThat(client.call("POST", "/", "").status()).isEqualTo(405);
    }

    @Test
    void theDiscoveryDocumentRefersToNothingMissing() throws IOException {
        JsonNode document =
                JsonMapper.shared().readTree(client.get("/fleet/v1/discovery").body());
        assertThat(document.get("kind").stringValue()).isEqualTo("discovery#restDescription");
        assertThat(document.get("baseUrl").stringValue())
                .isEqualTo(document.get("rootUrl").stringValue()
                        + document.get("servicePath").stringValue());
        List<String> references = document.findValuesAsString("$ref");
        assertThat(references)
                .isNotEmpty()
                .allSatisfy(reference ->
                        assertThat(document.get("schemas").has(reference)).isTrue());
        document.get("resources")
                .forEach(resource -> resource.get("methods").forEach(method -> {
                    assertThat(method.get("id").stringValue()).startsWith("fleet.");
                    String path = method.get("path").stringValue();
                    assertThat(path.contains("{unitName}"))
                            .isEqualTo(method.get("parameters").has("unitName")
                                    && method.get("parameters").get("unitName").has("required"));
                }));
    }

    @Test
    void aHostileHostHeaderDoesNotReachTheDocument() throws IOException {
        client.send("GET /fleet/v1/discovery HTTP/1.1\r\nHost: a\",\"x\":\"y\r\n\r\n");
        assertThat(client.read(true).body()).contains("\"rootUrl\": \"http://localhost/\"");
    }
}
