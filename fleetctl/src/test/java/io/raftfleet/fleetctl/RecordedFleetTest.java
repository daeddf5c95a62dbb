package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.raftfleet.proto.cluster.Orphan;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code import} from what a genuine fleetd 1.0 said, three rows a page, of two machines under real systemd managers: units that run, of
 * which one follows another, one is global and one has a constraint that counted for nothing; a template, one that is only loaded, one
 * that has failed and one that has ended.
 */
@Timeout(60)
class RecordedFleetTest {
    private static final String M1 = "e5adb8dab2954949941c6ec333a6f999";
    private static final String M2 = "14d138ef09bb4a70b5fe273ddf1e37ae";

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final HttpServer fleet;
    /** By request. */
    private final Map<String, String> recorded = new HashMap<>();

    private final List<String> strange = new ArrayList<>();

    @TempDir
    private Path directory;

    RecordedFleetTest() throws IOException {
        try (var in = Objects.requireNonNull(getClass().getResourceAsStream("/fleet-1.0/import.txt"))) {
            var lines = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            for (int i = 0; i < lines.size(); i += 2) {
                recorded.put(lines.get(i), lines.get(i + 1));
            }
        }
        fleet = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        fleet.createContext("/", exchange -> {
            // What it does not know it passes over.
            var uri = exchange.getRequestURI().toString().replaceFirst("pageSize=1000&?", "");
            var request =
                    exchange.getRequestMethod() + " " + (uri.endsWith("?") ? uri.substring(0, uri.length() - 1) : uri);
            var answer = recorded.get(request);
            if (answer == null) {
                strange.add(request);
            }
            byte[] body = (answer == null ? "{}" : answer).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(answer == null ? 404 : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }

    @BeforeEach
    void start() {
        fleet.start();
        cluster.startEngine();
        cluster.engines.getFirst().orphans.clear();
    }

    @AfterEach
    void stop() {
        fleet.stop(0);
        cluster.close();
    }

    @Test
    void allThatCanBeTakenOverIsCopiedAndTheRestIsNamed() {
        Result result = importing();
        assertThat(strange).isEmpty();
        assertThat(cluster.units.keySet())
                .containsExactly(
                        "all.service",
                        "bad.service",
                        "idle.service",
                        "once.service",
                        "side.service",
                        "ssd.service",
                        "w@.service",
                        "w@1.service",
                        "w@2.service",
                        "web.service");
        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err().lines())
                .anyMatch(line -> line.startsWith("Not taken over: unit \"odd.service\": [X-Fleet] ")
                        && line.contains("MachineMetadata"))
                .anyMatch(line -> line.contains("machine " + M1) && line.contains("not in this cluster yet"));
    }

    @Test
    void hashesAreThoseThatFleetStatesSoThatWhatRunsCanBeAdopted() {
        cluster.addMachine(M1, "127.0.0.1", Map.of("host", "h1", "disk", "ssd"));
        cluster.addMachine(M2, "127.0.0.2", Map.of("host", "h2"));
        for (var line : recorded.values()) {
            for (var state : tools.jackson.databind.json.JsonMapper.shared()
                    .readTree(line)
                    .path("states")) {
                cluster.engines
                        .getFirst()
                        .orphans
                        .add(Orphan.newBuilder()
                                .setName(state.path("name").asString(""))
                                .setMachineId(state.path("machineID").asString(""))
                                .setActiveState(state.path("systemdActiveState").asString(""))
                                .setHash(com.google.protobuf.ByteString.fromHex(
                                        state.path("hash").asString("")))
                                .build());
            }
        }
        Result result = importing("--adopt");
        assertThat(result.out())
                .contains("Adopted all.service on ", "Adopted w@2.service on " + M1, "Imported w@.service, inactive")
                .contains("Adopted bad.service on " + M1 + ", loaded: fleet wants it launched, and it is failed there")
                .endsWith("Imported 1 units and adopted 9; 0 were here already, 1 can't be taken over as they are\n");
        assertThat(cluster.engines.getFirst().calls)
                .containsSubsequence("SettleOrphan web.service " + M1, "SettleOrphan side.service " + M1);
        assertThat(result.err().lines()).hasSize(1).first().asString().contains("odd.service");
    }

    private Result importing(String... more) {
        var all = new ArrayList<>(List.of(
                "import", "--from", "http://127.0.0.1:" + fleet.getAddress().getPort()));
        all.addAll(List.of(more));
        return Result.of(cluster, directory, Map.of(), all.toArray(String[]::new));
    }
}
