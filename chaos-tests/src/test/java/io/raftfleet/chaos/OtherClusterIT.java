package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/**
 * Where a machine's engines were, engines of another cluster answer, or of its own with an empty registry: the machine refuses
 * them, and stops nothing because of them.
 */
class OtherClusterIT {
    private static final String REFUSAL = "but this machine belongs to cluster";

    @Test
    void unitsRunOn() {
        try (var cluster =
                Cluster.start(ClusterOptions.of("other-cluster").withEngines(1).withMachines(1))) {
            var names = Ops.names("stay", 5);
            Ops.launch(cluster.client(), names);
            var before = Ops.awaitActive(cluster.client(), names);
            var processes = Ops.processes(cluster, before);
            assertThat(processes).hasSize(names.size());
            var engine = cluster.engines().getFirst();
            engine.kill();

            var foreign = UUID.randomUUID().toString();
            refuses(cluster, stranger(cluster, engine, "foreign", foreign), "leads cluster " + foreign);
            assertThat(Ops.processes(cluster, before)).isEqualTo(processes);

            var emptied = stranger(cluster, engine, "emptied", cluster.clusterId());
            refuses(cluster, emptied, "leads cluster " + cluster.clusterId());
            assertThat(Ops.processes(cluster, before)).isEqualTo(processes);

            engine.start();
            cluster.awaitReady(Ops.SOON);
            assertThat(Ops.awaitActive(cluster.client(), names)).isEqualTo(before);
            assertThat(Ops.processes(cluster, before)).isEqualTo(processes);
        }
    }

    /** An engine at the same addresses, with nothing in its directory. */
    private static Daemon stranger(Cluster cluster, EngineNode engine, String name, String clusterId) {
        return cluster.strangeEngine(
                name, engine.addresses(), cluster.scratch().resolve(name), clusterId, List.of(engine.addresses()));
    }

    private static void refuses(Cluster cluster, Daemon stranger, String reason) {
        var agent = cluster.agents().getFirst().daemon();
        stranger.start();
        try {
            Await.until(
                    "the agent refuses " + stranger.name(),
                    Ops.SOON,
                    () -> agent.tail(40).lines().anyMatch(line -> line.contains(reason) && line.contains(REFUSAL)));
        } finally {
            stranger.kill();
            var unused = stranger.awaitExit(Ops.SOON);
        }
    }
}
