package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CommandTraceTest {
    private final InMemoryCluster cluster = new InMemoryCluster();
    private final Queue<String> bodies = new ConcurrentLinkedQueue<>();

    @TempDir
    private Path directory;

    @BeforeEach
    void startEngine() {
        cluster.startEngine();
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private Result run(Map<String, String> environment, String... arguments) {
        return Result.of(cluster, directory, environment, arguments);
    }

    private HttpServer collector(CountDownLatch answers) throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1));
            try {
                answers.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static String url(HttpServer collector) {
        return "http://127.0.0.1:" + collector.getAddress().getPort();
    }

    @Test
    void aCommandAndItsCallsAreATrace() throws Exception {
        var server = collector(new CountDownLatch(0));
        try {
            // Half a second is little where what sends has yet to be loaded: the first commands' ends may be left out.
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                bodies.clear();
                assertThat(run(Map.of("FLEETCTL_TRACES_ENDPOINT", url(server)), "list-machines")
                                .exit())
                        .isZero();
                assertThat(String.join("", bodies))
                        .contains("fleetctl list-machines", "raftfleet.fleet.Fleet/ListMachines", "process.exit.code");
            });
        } finally {
            server.stop(0);
        }
    }

    @Test
    void aCollectorThatHangsOrIsNotThereChangesNothing() throws Exception {
        var never = new CountDownLatch(1);
        var server = collector(never);
        try {
            var without = run(Map.of(), "list-machines");
            assertThat(run(Map.of("FLEETCTL_TRACES_ENDPOINT", url(server)), "list-machines"))
                    .isEqualTo(without);
            assertThat(run(Map.of("FLEETCTL_TRACES_ENDPOINT", "http://127.0.0.1:1"), "list-machines"))
                    .isEqualTo(without);
        } finally {
            never.countDown();
            server.stop(0);
        }
    }

    @Test
    void whatNamesNoCollectorIsSaidAndNothingElse() {
        var result = run(Map.of("FLEETCTL_TRACES_ENDPOINT", "nonsense"), "list-machines");

        assertThat(result.exit()).isZero();
        assertThat(result.err()).contains("FLEETCTL_TRACES_ENDPOINT", "nonsense", "nothing is traced");
    }
}
