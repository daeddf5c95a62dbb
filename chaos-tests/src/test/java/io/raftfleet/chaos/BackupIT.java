package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a backup file brings back: into a cluster that lost everything while its machines went on, and into an empty one. */
class BackupIT {
    private static final List<String> RUNNING = Ops.names("kept", 9);

    @RegisterExtension
    static final ClusterExtension CLUSTER =
            ClusterExtension.own(ClusterOptions.of("backup").with(AgentSpec.hollow("hollow", 4)));

    private record Wanted(String text, TargetState target, String machine) {}

    private Cluster cluster;
    private FleetClient client;
    private Path backup;

    @BeforeEach
    void makeBackup() throws IOException {
        cluster = CLUSTER.cluster();
        client = cluster.client();
        var machine = Ops.machines(client).getFirst().getId();
        Ops.requireOk(client.patchMachines(List.of(MachinePatch.newBuilder()
                .setMachineId(machine)
                .setKey("rack")
                .setValue("r7")
                .build())));
        Ops.launch(client, RUNNING);
        Ops.create(
                client,
                Ops.sleeper("on-rack.service", "MachineMetadata=rack=r7"),
                Ops.sleeper("everywhere.service", "Global=true"),
                target(Ops.sleeper("loaded.service"), TargetState.TARGET_STATE_LOADED),
                target(Ops.sleeper("idle.service"), TargetState.TARGET_STATE_INACTIVE),
                target(Ops.sleeper("tpl@.service"), TargetState.TARGET_STATE_INACTIVE));
        Ops.awaitActive(client, RUNNING);
        Ops.awaitActive(client, List.of("on-rack.service"));
        backup = Files.createTempDirectory(cluster.scratch(), "backup").resolve("file");
        assertThat(Ops.fleetctl(cluster, "cluster", "backup", backup.toString()))
                .contains(cluster.clusterId(), "14 units");
    }

    @Test
    void aLostClusterComesBackAndItsUnitsRunOn() throws IOException {
        var units = wanted(true);
        var metadata = metadata();
        var processes = Ops.processes(cluster, Ops.awaitActive(client, RUNNING));

        cluster.engines().forEach(EngineNode::kill);
        for (var engine : cluster.engines()) {
            Restorations.delete(engine.dataDir());
        }
        var refused = Restorations.start(cluster, damaged());
        Await.until(
                "an engine says that the file is damaged",
                Ops.SOON,
                () -> refused.stream().anyMatch(engine -> engine.tail(20).contains("is damaged")));
        Restorations.end(refused);

        var restored = Restorations.start(cluster, backup);
        try {
            awaitBack(units, metadata, processes);
        } finally {
            Restorations.end(restored);
        }
        // Without the option the cluster goes on from its own disks.
        cluster.engines().forEach(EngineNode::start);
        cluster.awaitReady(Ops.SOON);
        assertThat(wanted(true)).containsAllEntriesOf(units);
        assertThat(Ops.processes(cluster, Ops.awaitActive(client, RUNNING))).isEqualTo(processes);
    }

    @Test
    void whatASurvivorOfALostMajorityHasComesBackAndUnitsRunOn() throws IOException {
        var units = wanted(true);
        var metadata = metadata();
        var processes = Ops.processes(cluster, Ops.awaitActive(client, RUNNING));
        cluster.awaitEqual(Ops.SOON);
        var survivor = cluster.engines().getFirst();
        var recovered = backup.resolveSibling("recovered");
        var running = recover(survivor, recovered);
        assertThat(running.awaitExit(Ops.SOON)).as("of an engine that runs").isEqualTo(1);
        assertThat(running.tail(2)).contains("is in use by another engine process");

        cluster.engines().forEach(EngineNode::kill);
        for (var engine : cluster.engines()) {
            if (engine != survivor) {
                Restorations.delete(engine.dataDir());
            }
        }
        // As where packages run the engine as a user of its own, and root recovers.
        var root = System.getProperty("user.name").equals("root");
        if (root) {
            Files.setAttribute(survivor.dataDir(), "unix:uid", 12345);
        }
        var recovery = recover(survivor, recovered);
        assertThat(recovery.awaitExit(Ops.SOON)).isZero();
        if (root) {
            assertThat(Files.getAttribute(survivor.dataDir().resolve("live"), "unix:uid"))
                    .isEqualTo(12345);
        }
        assertThat(recovery.tail(10))
                .contains(
                        "Recovered cluster " + cluster.clusterId() + " as engine " + survivor.id() + " had it",
                        "14 units");
        Restorations.delete(survivor.dataDir());

        var restored = Restorations.start(cluster, recovered);
        try {
            awaitBack(units, metadata, processes);
        } finally {
            Restorations.end(restored);
        }
    }

    private Daemon recover(EngineNode engine, Path file) {
        var command = List.of("recover", "--data-dir", engine.dataDir().toString(), "--backup", file.toString());
        var daemon = cluster.variant(engine.daemon(), List.of(), command);
        daemon.start();
        return daemon;
    }

    /** Everything is as before, and units run on in the same processes. */
    private void awaitBack(
            Map<String, Wanted> units, Map<String, Map<String, String>> metadata, Map<String, String> processes) {
        var back = Await.get("the registry is back", Ops.SOON, () -> Optional.of(wanted(true)));
        assertThat(back).isEqualTo(units);
        Await.until(
                "all machines are heard again",
                Ops.SOON,
                () -> Ops.machines(client).stream().allMatch(machine -> machine.getSessionEpoch() > 0));
        assertThat(Ops.processes(cluster, Ops.awaitActive(client, RUNNING))).isEqualTo(processes);
        assertThat(wanted(true)).isEqualTo(units);
        assertThat(metadata()).isEqualTo(metadata);
        Ops.launch(client, List.of("after.service"));
        Ops.awaitActive(client, List.of("after.service"));
    }

    @Test
    void anEmptyClusterTakesTheUnitsAndAnotherRefuses() throws IOException {
        var units = wanted(false);
        var metadata = metadata();

        assertThatThrownBy(() -> Ops.fleetctl(cluster, "cluster", "restore", backup.toString()))
                .hasMessageContainingAll("is not empty", "restore into a new cluster");
        Ops.destroyAll(cluster);
        assertThatThrownBy(() ->
                        Ops.fleetctl(cluster, "cluster", "restore", damaged().toString()))
                .hasMessageContainingAll("is damaged", "Take another backup file");
        assertThat(Ops.units(client)).isEmpty();

        assertThat(Ops.fleetctl(cluster, "cluster", "restore", backup.toString()))
                .contains("Restored 14 units");
        assertThat(wanted(false)).isEqualTo(units);
        assertThat(metadata()).isEqualTo(metadata);
        Ops.awaitActive(client, RUNNING);
    }

    private Map<String, Wanted> wanted(boolean placed) {
        var request = ListUnitsRequest.newBuilder().setWithContents(true).build();
        return client.listUnits(request).rows().stream()
                .collect(Collectors.toMap(
                        unit -> unit.getName(),
                        unit -> new Wanted(
                                unit.getContents().getText(),
                                unit.getTargetState(),
                                placed ? unit.getMachineId() : "")));
    }

    private Map<String, Map<String, String>> metadata() {
        return Ops.machines(client).stream().collect(Collectors.toMap(Machine::getId, Machine::getMetadataMap));
    }

    private Path damaged() throws IOException {
        var bytes = Files.readAllBytes(backup);
        bytes[bytes.length / 2] ^= 1;
        return Files.write(backup.resolveSibling("damaged"), bytes);
    }

    private static NewUnit target(NewUnit unit, TargetState target) {
        return unit.toBuilder().setTargetState(target).build();
    }
}
