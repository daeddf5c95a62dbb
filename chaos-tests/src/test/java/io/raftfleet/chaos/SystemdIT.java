package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.client.LogReader;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Units on real systemd managers: what the cluster says is what systemd says. */
class SystemdIT {
    private static final Duration LIMIT = Ops.SOON;

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.machines();

    @BeforeAll
    static void machinesRunHere() {
        assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
    }

    @Test
    void aUnitThatFailsIsShownAsFailedAtOnce() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(
                client,
                Ops.unit("breaks.service", "[Service]\nExecStart=/bin/sh -c 'sleep 2; exit 3'\n"),
                Ops.unit("broken.service", "[Service]\nExecStart=/no/such/program\n"));
        var state =
                Await.get("broken.service is shown as failed", LIMIT, () -> state(cluster, "broken.service", "failed"));
        assertThat(on(cluster, state).machine().property("ActiveState", List.of("broken.service")))
                .containsEntry("broken.service", "failed");

        var running = Await.get("breaks.service runs", LIMIT, () -> state(cluster, "breaks.service", "active"));
        var machine = on(cluster, running).machine();
        Await.until(
                "systemd says that breaks.service has failed",
                LIMIT,
                () -> "failed"
                        .equals(machine.property("ActiveState", List.of("breaks.service"))
                                .get("breaks.service")));
        long failed = System.nanoTime();
        var shown =
                Await.get("breaks.service is shown as failed", LIMIT, () -> state(cluster, "breaks.service", "failed"));
        var took = Ops.since(failed);
        Ops.print("unit failed in systemd -> shown by the cluster", took);
        assertThat(shown.getSubState()).isEqualTo("failed");
        assertThat(took).isLessThan(Duration.ofSeconds(1));
    }

    @Test
    void theJournalIsFollowedAndStatusIsShown() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(
                client,
                Ops.unit(
                        "talks.service",
                        "[Service]\nExecStart=/bin/sh -c 'i=0; while true; do i=$$((i+1)); echo line $$i of talks; sleep 0.2; done'\n"));
        var state = Await.get("talks.service runs", LIMIT, () -> state(cluster, "talks.service", "active"));
        for (var engine : cluster.engines()) {
            var request = JournalRequest.newBuilder()
                    .setUnit("talks.service")
                    .setLines(1)
                    .setFollow(true)
                    .build();
            var lines = new ConcurrentLinkedQueue<String>();
            try (LogReader log = cluster.client(engine).journal(request)) {
                var reader = CompletableFuture.runAsync(() -> read(log, lines));
                Await.until("the journal is followed through " + engine, LIMIT, () -> {
                    if (reader.isDone()) {
                        reader.join();
                        throw new IllegalStateException("the log ended: " + lines);
                    }
                    var numbers = new HashSet<String>();
                    String.join("", lines)
                            .lines()
                            .filter(line -> line.contains("of talks"))
                            .forEach(numbers::add);
                    return numbers.size() >= 4;
                });
            }
        }
        var status = new ConcurrentLinkedQueue<String>();
        try (LogReader log = client.unitStatus(
                UnitStatusRequest.newBuilder().setUnit("talks.service").build())) {
            read(log, status);
        }
        assertThat(String.join("", status))
                .contains("talks.service", "Active: active (running)", "Main PID: " + state.getMainPid());
    }

    private static void read(LogReader log, ConcurrentLinkedQueue<String> into) {
        try {
            for (var bytes = log.next(); bytes != null; bytes = log.next()) {
                into.add(bytes.toStringUtf8());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (io.raftfleet.client.FleetClientException e) {
            into.add(String.valueOf(e.getMessage()));
        }
    }

    @Test
    void unloadingRemovesTheFileAndStoppingKeepsIt() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var names = Ops.names("file", 2);
        Ops.launch(client, names);
        var active = Ops.awaitActive(client, names);
        for (var state : active.values()) {
            var file = on(cluster, state).machine().unitsDir().resolve(state.getName());
            assertThat(file).exists();
            assertThat(on(cluster, state).machine().property("MainPID", List.of(state.getName())))
                    .containsEntry(state.getName(), Integer.toString(state.getMainPid()));
        }

        Ops.requireOk(client.setTargetStates(names.stream()
                .map(name -> to(name, TargetState.TARGET_STATE_LOADED))
                .toList()));
        Await.until(
                "both are loaded and stopped",
                LIMIT,
                () -> names.stream()
                        .allMatch(name -> state(cluster, name, "inactive").isPresent()));
        for (var state : active.values()) {
            assertThat(Files.exists(on(cluster, state).machine().unitsDir().resolve(state.getName())))
                    .isTrue();
        }

        Ops.requireOk(client.setTargetStates(names.stream()
                .map(name -> to(name, TargetState.TARGET_STATE_INACTIVE))
                .toList()));
        Await.until("no machine has them", LIMIT, () -> Ops.states(client).isEmpty());
        for (var state : active.values()) {
            var machine = on(cluster, state).machine();
            assertThat(machine.unitsDir().resolve(state.getName())).doesNotExist();
            assertThat(machine.property("LoadState", List.of(state.getName())))
                    .containsEntry(state.getName(), "not-found");
        }
    }

    @Test
    void anAgentThatIsKilledTakesItsUnitsOver() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var names = Ops.names("own", 6);
        Ops.launch(client, names);
        // One that has finished is not to run again because the agent restarts.
        Ops.create(client, Ops.unit("once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"));
        var before = Ops.awaitActive(client, names);
        Await.until(
                "once.service has run",
                LIMIT,
                () -> Ops.states(client).stream()
                        .anyMatch(s -> s.getName().equals("once.service")
                                && s.getLaunched()
                                && s.getActiveState().equals("inactive")));
        var processes = Ops.processes(cluster, before);
        var oneshot = Ops.states(client).stream()
                .filter(s -> s.getName().equals("once.service"))
                .findFirst()
                .orElseThrow();
        var runs = on(cluster, oneshot).machine().property("ExecMainStartTimestampMonotonic", List.of("once.service"));
        var epochs = Ops.epochs(client);

        cluster.agents().forEach(AgentNode::kill);
        long start = System.nanoTime();
        cluster.agents().forEach(AgentNode::start);
        Await.until("all agents have new sessions", LIMIT, () -> {
            var now = Ops.epochs(client);
            return epochs.entrySet().stream().allMatch(e -> now.getOrDefault(e.getKey(), 0L) > e.getValue());
        });
        Ops.print("agents killed and started again -> in session", Ops.since(start));
        Ops.create(client, Ops.sleeper("new.service"));
        Ops.awaitActive(client, List.of("new.service"));
        assertThat(Ops.awaitActive(client, names)).isEqualTo(before);
        assertThat(Ops.processes(cluster, before)).isEqualTo(processes);
        assertThat(on(cluster, oneshot).machine().property("ExecMainStartTimestampMonotonic", List.of("once.service")))
                .isEqualTo(runs);
    }

    @Test
    void unitsRunWhileAllEnginesAreAwayAndStatesArriveAfterwards() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var names = Ops.names("calm", 3);
        Ops.launch(client, names);
        Ops.create(client, Ops.unit("ends.service", "[Service]\nExecStart=/bin/sleep 100000\n"));
        var before = Ops.awaitActive(client, names);
        var ends = Ops.awaitActive(client, List.of("ends.service"))
                .values()
                .iterator()
                .next();
        var machine = on(cluster, ends).machine();
        var processes = Ops.processes(cluster, before);

        cluster.engines().forEach(engine -> engine.kill());
        machine.systemctl("kill", "--signal=KILL", "ends.service");
        Await.until(
                "systemd says that ends.service has failed",
                LIMIT,
                () -> "failed"
                        .equals(machine.property("ActiveState", List.of("ends.service"))
                                .get("ends.service")));
        assertThat(Ops.processes(cluster, before)).isEqualTo(processes);
        cluster.engines().forEach(engine -> engine.start());
        Await.until(
                "the failure is shown",
                LIMIT,
                () -> state(cluster, "ends.service", "failed").isPresent());
        assertThat(Ops.awaitActive(client, names)).isEqualTo(before);
        assertThat(Ops.processes(cluster, before)).isEqualTo(processes);
    }

    private static Optional<UnitState> state(Cluster cluster, String unit, String active) {
        return Ops.states(cluster.client()).stream()
                .filter(state ->
                        state.getName().equals(unit) && state.getActiveState().equals(active))
                .findFirst();
    }

    private static AgentNode on(Cluster cluster, UnitState state) {
        return cluster.agentOf(state.getMachineId());
    }

    private static TargetStateChange to(String name, TargetState target) {
        return TargetStateChange.newBuilder()
                .setName(name)
                .setTargetState(target)
                .build();
    }
}
