package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Hosts;
import io.raftfleet.chaos.cluster.Namespaces;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/**
 * A leader that its followers hear, and the machines don't: it takes that for its own fault and hands over to an engine that
 * hears them. No machine is lost.
 */
class MassSilenceIT {
    private static final Duration TTL = Duration.ofSeconds(3);
    private static final String AGENTS = "hollow";
    private static final int MACHINES = 4;

    @Test
    void leadershipMovesAndNoMachineIsLost() {
        var obstacle = Namespaces.obstacle();
        Assumptions.assumeTrue(obstacle.isEmpty(), obstacle);
        try (var network = Namespaces.create(List.of("e1", "e2", "e3", AGENTS));
                var cluster = Cluster.start(ClusterOptions.of("mass-silence")
                        .withAgentTtl(TTL)
                        .on(new Separate(network))
                        .with(AgentSpec.hollow(AGENTS, MACHINES)))) {
            var names = Ops.names("heard", 2 * MACHINES);
            Ops.launch(cluster.client(), names);
            var before = Ops.awaitActive(cluster.client(), names);
            var leader = cluster.awaitLeader(Ops.SOON);
            var followers = cluster.followersOf(leader);

            long cut = System.nanoTime();
            var fromLeader = List.of("-s", network.address(leader.id()), "-j", "DROP");
            var fromAgents = List.of("-s", network.address(AGENTS), "-j", "DROP");
            network.insert(AGENTS, fromLeader);
            network.insert(leader.id(), fromAgents);
            Await.until(
                    "another engine leads",
                    Ops.SOON,
                    () -> followers.stream().anyMatch(engine -> engine.saysItLeads(Duration.ofSeconds(1))));
            Ops.print("leader not heard by machines -> another one leads", Ops.since(cut));
            assertThat(leader.daemon().tail(200)).contains("takes the fault to be its own");

            // The old leader is still cut off from the machines: it is on the new one to hear them.
            Await.until("all machines are in session with it", Ops.SOON, () -> {
                var epochs = Ops.epochs(cluster.client(followers));
                return epochs.size() == MACHINES && epochs.values().stream().allMatch(epoch -> epoch >= 2);
            });
            Ops.print("leader not heard by machines -> all heard by the next", Ops.since(cut));
            assertThat(Ops.awaitActive(cluster.client(followers), names)).isEqualTo(before);
            cluster.engines()
                    .forEach(engine -> assertThat(engine.daemon().tail(400))
                            .as(engine.id())
                            .doesNotContain("it is lost"));
            network.delete(AGENTS, fromLeader);
            network.delete(leader.id(), fromAgents);
        }
    }

    /** Each process on a host of its own. */
    private record Separate(Namespaces network) implements Hosts {
        @Override
        public Host engine(String name, Path scratch) {
            return new Host(network.address(name), network.prefix(name), scratch.resolve(name));
        }

        @Override
        public Host agent(String name, Path scratch) {
            return new Host(network.address(name), network.prefix(name), scratch.resolve(name));
        }

        @Override
        public Host etcd(Path scratch) {
            return LOOPBACK.etcd(scratch);
        }
    }
}
