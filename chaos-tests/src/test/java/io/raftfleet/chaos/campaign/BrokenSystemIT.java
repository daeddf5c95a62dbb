package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.check.Checks;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.chaos.traffic.Traffic;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Somebody starts and stops units behind the cluster's back, on real machines: the checks see it in the machines' journals. */
class BrokenSystemIT {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String UNIT = "steady1.service";

    @TempDir
    Path dir;

    @Test
    void aUnitOnTwoMachinesAndOneThatIsRestartedAreSeen() throws IOException, InterruptedException {
        assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
        var file = dir.resolve("history.jsonl");
        var options = ClusterOptions.of("broken")
                .with(AgentSpec.systemd("a1", "127.0.0.11"))
                .with(AgentSpec.systemd("a2", "127.0.0.12"));
        try (var cluster = Cluster.start(options);
                var recorder = new Recorder(file);
                var observer = new UnitObserver(recorder, cluster.agents());
                var traffic = new Traffic(cluster, recorder, 1, false, Duration.ZERO)) {
            recorder.add(began(recorder, cluster));
            traffic.launchSteady(1);
            var state = awaitActive(cluster);
            var runs = cluster.agentOf(state.getMachineId());
            var other = cluster.agents().stream()
                    .filter(agent -> agent != runs)
                    .findFirst()
                    .orElseThrow();

            runs.machine().systemctl("restart", UNIT);
            startByHand(other);

            Await.until(
                    "the journals tell of both",
                    SOON,
                    () -> starts(file, state.getMachineId()) == 2
                            && starts(file, other.machineIds().getFirst()) == 1);
            recorder.add(
                    new Event.Settled(recorder.now() + Duration.ofSeconds(1).toNanos(), true, ""));
            assertThat(observer.running()).as("machines in memory").isEmpty();
        }
        assertThat(Checks.run(History.read(file)).stream()
                        .filter(finding -> !finding.violations().isEmpty())
                        .map(Finding::promise))
                .contains(
                        "no unit is stopped or restarted by a control-plane fault",
                        "no unit runs on two connected machines");
    }

    private static Event.Began began(Recorder recorder, Cluster cluster) {
        return new Event.Began(
                recorder.now(),
                1,
                1,
                "none",
                "",
                cluster.engines().stream().map(EngineNode::id).toList(),
                cluster.agents().stream().collect(Collectors.toMap(AgentNode::name, AgentNode::machineIds)),
                10_000,
                List.of(UNIT),
                "",
                false);
    }

    private static UnitState awaitActive(Cluster cluster) {
        return Await.get(UNIT + " is active", SOON, () -> {
            Map<String, UnitState> states =
                    cluster.client().listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows().stream()
                            .filter(state -> state.getActiveState().equals("active"))
                            .collect(Collectors.toMap(UnitState::getName, state -> state));
            return Optional.ofNullable(states.get(UNIT));
        });
    }

    /** As somebody would who does not know that the cluster runs it elsewhere. */
    private static void startByHand(AgentNode agent) throws IOException {
        Files.writeString(agent.machine().unitsDir().resolve(UNIT), "[Service]\nExecStart=/bin/sleep 1000000\n");
        agent.machine().systemctl("daemon-reload");
        agent.machine().systemctl("start", UNIT);
    }

    /** How often a machine started the unit, in a history that is still being written. */
    private static long starts(Path file, String machine) {
        try (var lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith("{\"type\":\"unit\"")
                            && line.contains(machine)
                            && line.endsWith("}")
                            && line.contains("\"STARTED\""))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
