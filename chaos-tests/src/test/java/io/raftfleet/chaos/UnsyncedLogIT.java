package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.Hosts;
import io.raftfleet.chaos.fault.Disks;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A killed engine leaves entries in its log that nobody has synced. It finds them when it starts again, and goes on as one that has
 * them: so they have to outlast a loss of power from then on.
 */
class UnsyncedLogIT {
    private static final List<String> ENGINES = List.of("e1", "e2", "e3");
    private static final int KILLS = 3;
    private static final int SLOW_MILLIS = 30;
    private static final int MORE = 10;

    @TempDir
    Path dir;

    @Test
    void whatAKilledLeaderHadWrittenOutlastsThePowerOnceItIsBack() {
        var obstacle = Disks.obstacle(dir);
        assumeTrue(obstacle.isEmpty(), obstacle);
        try (var disks = Disks.create(dir, ENGINES);
                var cluster = Cluster.start(ClusterOptions.of("unsynced-log")
                        .with(AgentSpec.hollow("hollow", 1))
                        .on(new OnDisks(disks)))) {
            try {
                var writers = new Writers(cluster);
                try (writers) {
                    for (int kill = 1; kill <= KILLS; kill++) {
                        killAndBringBack(cluster, disks, writers);
                    }
                }
                assertThat(writers.failures()).isEmpty();
                cluster.engines().forEach(engine -> engine.daemon().kill());
                cluster.engines().forEach(EngineNode::kill);
                ENGINES.forEach(disks::drop);
                cluster.engines().forEach(EngineNode::start);
                cluster.awaitReady(Ops.SOON);
                cluster.awaitEqual(Ops.SOON);
                assertThat(Ops.units(cluster.client())).hasSize(writers.written());
            } catch (AssertionError | RuntimeException e) {
                e.addSuppressed(new IllegalStateException(cluster.logTails()));
                throw e;
            }
        }
    }

    /** With a slow disk there are always entries that are written and not yet synced. */
    private static void killAndBringBack(Cluster cluster, Disks disks, Writers writers) {
        var leader = cluster.awaitLeader(Ops.SOON);
        disks.slow(leader.id(), SLOW_MILLIS);
        writers.awaitMore(MORE);
        leader.kill();
        disks.slow(leader.id(), 0);
        writers.awaitMore(MORE);
        leader.start();
        cluster.awaitReady(Ops.SOON);
        writers.awaitMore(MORE);
    }

    private record OnDisks(Disks disks) implements Hosts {
        @Override
        public Host engine(String name, Path scratch) {
            var host = LOOPBACK.engine(name, scratch);
            return new Host(host.address(), host.prefix(), disks.mount(name).resolve(name));
        }

        @Override
        public Host agent(String name, Path scratch) {
            return LOOPBACK.agent(name, scratch);
        }

        @Override
        public Host etcd(Path scratch) {
            return LOOPBACK.etcd(scratch);
        }
    }
}
