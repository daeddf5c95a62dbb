package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A backup that is restored is older than where its units run by now. */
class RestoredLifeIT {
    private static final List<String> UNITS = Ops.names("moved", 6);
    /** Three engines start at once, elect, and restore. */
    private static final Duration READY = Duration.ofSeconds(90);

    private static final String FIRST = "first";
    private static final String SECOND = "second";

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.own(ClusterOptions.of("restored-life")
            .withAgentTtl(Duration.ofSeconds(6))
            .with(AgentSpec.hollow(FIRST, 1).withMetadata(Map.of("host", FIRST)))
            .with(AgentSpec.hollow(SECOND, 1)));

    @Test
    void unitsThatMovedSinceRunOnWhereTheyAreAndNothingIsStartedTwice() throws IOException {
        var cluster = CLUSTER.cluster();
        var client = cluster.client();
        var first = agent(cluster, FIRST);
        var second = agent(cluster, SECOND);
        second.daemon().pause();
        awaitLost(client, second);
        Ops.launch(client, UNITS);
        awaitAllOn(client, first);
        second.daemon().resume();
        Await.until(
                "both machines are there", Ops.SOON, () -> Ops.machines(client).size() == 2);
        var older = backup(cluster, "older");

        first.daemon().pause();
        awaitLost(client, first);
        awaitAllOn(client, second);
        first.daemon().resume();
        awaitLetGo(client);
        var processes = Ops.processes(cluster, Ops.awaitActive(client, UNITS));
        var newer = backup(cluster, "newer");

        second.daemon().pause();
        var engines = restore(cluster, older);
        try {
            Await.until("the first machine has told what it runs", Ops.SOON, () -> awaited(cluster) == 1);
            assertThat(status(cluster))
                    .contains(
                            "are started once 1 machines have told",
                            second.machineIds().getFirst());
            // Orders reach the first machine, and are carried out in turn.
            Ops.create(
                    client,
                    Ops.sleeper("loaded.service", "MachineMetadata=host=" + FIRST).toBuilder()
                            .setTargetState(TargetState.TARGET_STATE_LOADED)
                            .build());
            Await.until(
                    "an order was carried out",
                    Ops.SOON,
                    () -> Ops.states(client).stream()
                            .anyMatch(state -> state.getName().equals("loaded.service")));
            assertThat(Ops.states(client)).extracting(UnitState::getName).containsExactly("loaded.service");
            var waiting = client.getUnit(UNITS.getFirst());
            assertThat(waiting).isNotNull();
            assertThat(waiting.getUnit().getVetoesList())
                    .singleElement()
                    .satisfies(veto -> assertThat(veto.getMessage())
                            .contains(second.machineIds().getFirst()));
            second.daemon().resume();
            awaitRunningOn(cluster, processes, second);
            // The newer backup knows nothing of it, and would leave it as an orphan.
            client.destroyUnits(List.of("loaded.service"));
            Await.until(
                    "it is gone",
                    Ops.SOON,
                    () -> Ops.states(client).stream()
                            .noneMatch(state -> state.getName().equals("loaded.service")));
        } finally {
            Restorations.end(engines);
        }

        var again = restore(cluster, newer);
        try {
            awaitRunningOn(cluster, processes, second);
        } finally {
            Restorations.end(again);
        }
    }

    private static void awaitRunningOn(Cluster cluster, Map<String, String> processes, AgentNode agent) {
        Await.until("starts wait no longer", Ops.SOON, () -> awaited(cluster) == 0);
        var client = cluster.client();
        assertThat(Ops.processes(cluster, Ops.awaitActive(client, UNITS))).isEqualTo(processes);
        Ops.launch(client, List.of("after.service"));
        Ops.awaitActive(client, List.of("after.service"));
        Await.until("the registry has them there", Ops.SOON, () -> {
            var units = Ops.units(client);
            return UNITS.stream()
                    .allMatch(name -> units.containsKey(name)
                            && units.get(name)
                                    .getMachineId()
                                    .equals(agent.machineIds().getFirst()));
        });
        assertThat(Ops.processes(cluster, Ops.awaitActive(client, UNITS))).isEqualTo(processes);
        assertThat(status(cluster)).doesNotContain("have told what they run");
        client.destroyUnits(List.of("after.service"));
    }

    private static List<Daemon> restore(Cluster cluster, Path backup) throws IOException {
        cluster.engines().forEach(EngineNode::kill);
        for (var engine : cluster.engines()) {
            Restorations.delete(engine.dataDir());
        }
        var engines = Restorations.start(cluster, backup);
        Await.until("an engine has the registry that was restored", READY, () -> awaited(cluster) >= 0);
        return engines;
    }

    private static Path backup(Cluster cluster, String name) throws IOException {
        var file = Files.createTempDirectory(cluster.scratch(), "backup").resolve(name);
        Ops.fleetctl(cluster, "cluster", "backup", file.toString());
        return file;
    }

    private static String status(Cluster cluster) {
        return Ops.fleetctl(cluster, "--request-timeout", "20", "cluster", "status");
    }

    /** As an engine says that is restored; fails while none is. */
    private static int awaited(Cluster cluster) {
        var status = cluster.engines().getFirst().status(Ops.SOON);
        if (status.getIncarnation() == 0) {
            throw new IllegalStateException("not restored yet");
        }
        return status.getAwaitedMachines();
    }

    private static void awaitLost(FleetClient client, AgentNode agent) {
        Await.until(
                agent.name() + " is lost",
                Ops.SOON,
                () -> Ops.machines(client).stream()
                        .noneMatch(machine ->
                                machine.getId().equals(agent.machineIds().getFirst())));
    }

    /** The first machine is back, and has none of the units any more; it tells what it has before it tells of what it is given then. */
    private static void awaitLetGo(FleetClient client) {
        var marker = "back.service";
        Ops.create(client, Ops.sleeper(marker, "MachineMetadata=host=" + FIRST));
        Ops.awaitActive(client, List.of(marker));
        Await.until(
                "the first machine has let go of them",
                Ops.SOON,
                () -> Ops.states(client).size() == UNITS.size() + 1);
        client.destroyUnits(List.of(marker));
        Await.until("the marker is gone", Ops.SOON, () -> Ops.states(client).size() == UNITS.size());
    }

    private static void awaitAllOn(FleetClient client, AgentNode agent) {
        Await.until(
                "all units run on " + agent.name(),
                Ops.SOON,
                () -> Ops.states(client).stream()
                                .filter(state -> UNITS.contains(state.getName()))
                                .filter(state -> state.getActiveState().equals("active"))
                                .filter(state -> state.getMachineId()
                                        .equals(agent.machineIds().getFirst()))
                                .count()
                        == UNITS.size());
    }

    private static AgentNode agent(Cluster cluster, String name) {
        return cluster.agents().stream()
                .filter(agent -> agent.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
