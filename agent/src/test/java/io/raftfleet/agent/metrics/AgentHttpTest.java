package io.raftfleet.agent.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AgentHttpTest {
    private static final MachineStatus WELL =
            new MachineStatus(true, 3, 0, Duration.ZERO, Map.of("active", 5, "failed", 1), 7);
    private static final MachineStatus ILL =
            new MachineStatus(false, 1, 4, Duration.ofMillis(2500), Map.of("active", 2), 1);

    private volatile CompletableFuture<List<MachineStatus>> machines =
            CompletableFuture.completedFuture(List.of(WELL, ILL));
    private volatile List<String> stuck = List.of();
    private final AgentHttp http;

    AgentHttpTest() throws IOException {
        http = start(0);
    }

    private AgentHttp start(int port) throws IOException {
        return AgentHttp.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                () -> machines,
                () -> stuck,
                new AgentMetrics("1.2.3", Optional.empty(), new PrometheusRegistry()));
    }

    @AfterEach
    void stop() {
        http.close();
    }

    private String ask(String method, String path, String host) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), http.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write((method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String get(String path) throws IOException {
        return ask("GET", path, "127.0.0.1:" + http.port());
    }

    @Test
    void aScrapeSumsUpTheMachines() throws IOException {
        assertThat(get("/metrics").lines().toList())
                .contains(
                        "fleet_agent_build_info{version=\"1.2.3\"} 1",
                        "fleet_agent_machines 2.0",
                        "fleet_agent_machines_in_session 1.0",
                        "fleet_agent_sessions_opened_total 4.0",
                        "fleet_agent_changes_unacknowledged 4.0",
                        "fleet_agent_report_lag_seconds 2.5",
                        "fleet_agent_unit_restarts_total 8.0",
                        "fleet_agent_units{state=\"active\"} 7.0",
                        "fleet_agent_units{state=\"failed\"} 1.0",
                        "fleet_agent_units{state=\"activating\"} 0.0");
    }

    @Test
    void readyIsInSessionAndLiveIsWhatGetsOn() throws IOException {
        assertThat(get("/readyz")).startsWith("HTTP/1.1 503").contains("1 machines are not in session");
        machines = CompletableFuture.completedFuture(List.of(ILL));
        assertThat(get("/healthz")).startsWith("HTTP/1.1 503").contains("not in session with an engine");
        assertThat(get("/livez")).startsWith("HTTP/1.1 200");
        machines = CompletableFuture.completedFuture(List.of(WELL));
        assertThat(get("/readyz")).startsWith("HTTP/1.1 200");
        stuck = List.of("the machine does not answer");
        assertThat(get("/livez")).startsWith("HTTP/1.1 503").contains("the machine does not answer");
    }

    @Test
    void aMachineThatDoesNotAnswerHoldsUpNobody() throws IOException {
        machines = new CompletableFuture<>();
        assertThat(get("/metrics")).startsWith("HTTP/1.1 503").contains("did not answer within");
        machines = CompletableFuture.failedFuture(new IllegalStateException("closed"));
        assertThat(get("/readyz")).startsWith("HTTP/1.1 503");
    }

    @Test
    void nothingElseIsThere() throws IOException {
        assertThat(get("/")).startsWith("HTTP/1.1 404");
        assertThat(ask("POST", "/metrics", "localhost"))
                .startsWith("HTTP/1.1 405")
                .contains("GET, HEAD");
        assertThat(ask("HEAD", "/livez", "[::1]:1")).startsWith("HTTP/1.1 200").doesNotEndWith("ok\n");
        assertThat(ask("GET", "/metrics", "evil.example.com:80")).startsWith("HTTP/1.1 421");
        assertThat(ask("GET", "/metrics", "127.0.0.1.evil.example.com")).startsWith("HTTP/1.1 421");
    }

    @Test
    void anAddressThatIsTakenIsNamed() {
        assertThatThrownBy(() -> start(http.port()).close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("can't listen for metrics on")
                .hasMessageContaining("setting metrics");
    }
}
