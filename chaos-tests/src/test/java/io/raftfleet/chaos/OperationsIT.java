package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineAddresses;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.cluster.EngineInfo;
import io.raftfleet.proto.cluster.EngineRole;
import io.raftfleet.proto.cluster.StatusRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What operators do to a cluster that is in use: nobody who writes notices, and no unit is touched. */
class OperationsIT {
    private static final Duration LIMIT = Duration.ofSeconds(2);
    private static final int MORE = 10;

    @Test
    void noWriteFailsAndNoProcessChanges() throws IOException {
        var options = ClusterOptions.of("operations").with(AgentSpec.hollow("hollow", 4));
        try (var cluster = Cluster.start(options)) {
            try {
                var names = Ops.names("steady", 8);
                Ops.launch(cluster.client(), names);
                var processes = Ops.processes(cluster, Ops.awaitActive(cluster.client(), names));
                var writers = new Writers(cluster);
                try (writers) {
                    leadership(cluster, writers);
                    replaceLostDisk(cluster, writers);
                    removeLeader(cluster, writers);
                }
                assertThat(writers.failures()).isEmpty();
                assertThat(Ops.units(cluster.client())).hasSize(names.size() + writers.written());
                assertThat(Ops.processes(cluster, Ops.awaitActive(cluster.client(), names)))
                        .isEqualTo(processes);
            } catch (AssertionError | RuntimeException e) {
                e.addSuppressed(new IllegalStateException(cluster.logTails()));
                throw e;
            }
        }
    }

    private static void leadership(Cluster cluster, Writers writers) {
        var heir = cluster.followersOf(cluster.awaitLeader(Ops.SOON)).getFirst();
        assertThat(Ops.fleetctl(cluster, "cluster", "transfer-leader", heir.id()))
                .contains(heir.id());
        assertThat(cluster.awaitLeader(Ops.SOON)).isSameAs(heir);
        writers.awaitMore(MORE);
        long before = heir.status(LIMIT).getSnapshotIndex();
        Ops.fleetctl(cluster, "cluster", "snapshot");
        assertThat(cluster.engines())
                .allSatisfy(engine -> Await.until(
                        engine + " has a new checkpoint",
                        Ops.SOON,
                        () -> engine.status(LIMIT).getSnapshotIndex() > before));
        writers.awaitMore(MORE);
        assertThat(writers.failures()).as("hand-over and checkpoints").isEmpty();
    }

    private static void replaceLostDisk(Cluster cluster, Writers writers) throws IOException {
        var leader = cluster.awaitLeader(Ops.SOON);
        var lost = cluster.followersOf(leader).getFirst();
        lost.kill();
        try (var files = Files.walk(lost.dataDir())) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        writers.awaitMore(MORE);
        Ops.fleetctl(cluster, "cluster", "replace", lost.id(), join(cluster, "e4"));
        awaitMembers(
                leader,
                cluster.engines().stream()
                        .map(engine -> engine == lost ? "e4" : engine.id())
                        .toList());
        writers.awaitMore(MORE);
        assertThat(writers.failures()).as("an engine was replaced").isEmpty();
    }

    private static void removeLeader(Cluster cluster, Writers writers) {
        var leader = cluster.awaitLeader(Ops.SOON);
        var stays = cluster.engines().stream()
                .filter(engine -> engine != leader && engine.daemon().running())
                .findFirst()
                .orElseThrow();
        Ops.fleetctl(cluster, "cluster", "add", join(cluster, "e5"));
        awaitMembers(leader, List.of(leader.id(), stays.id(), "e4", "e5"));
        writers.awaitMore(MORE);
        Ops.fleetctl(cluster, "cluster", "remove", leader.id());
        awaitMembers(stays, List.of(stays.id(), "e4", "e5"));
        Await.until(
                leader + " has ended by itself",
                Ops.SOON,
                () -> !leader.daemon().running());
        writers.awaitMore(MORE);
        assertThat(writers.failures()).as("the leader was removed").isEmpty();
    }

    /** Starts an engine that waits to be added; itself as fleetctl wants it. */
    private static String join(Cluster cluster, String id) {
        EngineAddresses own = cluster.freeAddresses(id);
        var peers = new ArrayList<>(
                cluster.engines().stream().map(EngineNode::addresses).toList());
        peers.add(own);
        Path data = cluster.scratch().resolve(id);
        var member = cluster.strangeEngine(id, own, data, cluster.clusterId(), peers);
        cluster.variant(member, List.of("--bootstrap"), List.of("--join")).start();
        Await.until(id + " waits to be added", Ops.SOON, () -> joining(own.grpc()));
        return own.peer();
    }

    private static boolean joining(String grpc) {
        var channel = Grpc.newChannelBuilder(grpc, InsecureChannelCredentials.create())
                .build();
        try {
            return ClusterGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                            .status(StatusRequest.getDefaultInstance())
                            .getSelf()
                            .getRole()
                    == EngineRole.ENGINE_ROLE_JOINING;
        } finally {
            channel.shutdownNow();
        }
    }

    private static void awaitMembers(EngineNode asked, List<String> expected) {
        Await.until("the members are " + expected, Ops.SOON, () -> {
            var engines = asked.status(LIMIT).getEnginesList();
            var ids = engines.stream().map(EngineInfo::getId).toList();
            if (ids.size() != expected.size() || !ids.containsAll(expected)) {
                throw new IllegalStateException("they are " + ids);
            }
            return engines.stream().anyMatch(engine -> engine.getRole() == EngineRole.ENGINE_ROLE_LEADER);
        });
    }
}
