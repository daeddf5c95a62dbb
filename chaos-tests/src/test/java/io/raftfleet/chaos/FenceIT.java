package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.unit.Fence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A unit that must never run twice, while the agent that looks after it stands still. */
class FenceIT {
    private static final Duration TTL = Duration.ofSeconds(3);
    /** The TTL, the time to stop, and what placing and starting take on a busy machine. */
    private static final Duration MOVED = Fence.afterTtl(TTL).plus(Duration.ofSeconds(45));

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.own(ClusterOptions.of("fence")
            .withAgentTtl(TTL)
            .with(AgentSpec.systemd("a1", "127.0.0.11"))
            .with(AgentSpec.systemd("a2", "127.0.0.12")));

    @TempDir
    private Path shared;

    @BeforeAll
    static void machinesRunHere() {
        assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
    }

    @Test
    void startsElsewhereOnlyWhenItIsDeadWhereItsAgentWasPaused() throws IOException {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var lives = shared.resolve("lives");
        // Deaf to SIGTERM: it lives as long as the fence lets anything live.
        Ops.create(
                client,
                Ops.unit(
                        "single.service",
                        "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while read -r now idle </proc/uptime; do"
                                + " echo $$$$ $$now; sleep 0.05; done >>" + lives + "'\n\n[X-Fleet]\nFence=true\n"));
        var first = Ops.awaitActive(client, List.of("single.service"))
                .values()
                .iterator()
                .next();
        var agent = cluster.agentOf(first.getMachineId());
        var epochs = Ops.epochs(client);

        long paused = System.nanoTime();
        agent.daemon().pause();
        try {
            Await.until(
                    "the unit runs on the other machine",
                    MOVED,
                    () -> lives(lives).size() == 2);
            assertThat(Ops.since(paused)).isGreaterThan(Fence.afterTtl(TTL));
            Ops.print("agent of a fenced unit paused -> the unit runs elsewhere", Ops.since(paused));
        } finally {
            agent.daemon().resume();
        }
        var instances = List.copyOf(lives(lives).values());
        assertThat(instances.get(1).from())
                .as("start of the second process")
                .isGreaterThan(instances.get(0).to());
        Ops.print(
                "the first process's last sign of life -> the second's first",
                Duration.ofMillis(Math.round(
                        1000 * (instances.get(1).from() - instances.get(0).to()))));

        Await.until(
                "the agent has opened another session",
                Ops.SOON,
                () -> Ops.epochs(client).getOrDefault(first.getMachineId(), 0L)
                        > epochs.getOrDefault(first.getMachineId(), 0L));
        Await.until(
                "the first machine has given the unit up",
                Ops.SOON,
                () -> Ops.states(client).stream()
                                .noneMatch(s -> s.getMachineId().equals(first.getMachineId()))
                        && Files.notExists(agent.machine().unitsDir().resolve("single.service")));
        // A later order to that machine finds nothing of the old one.
        Ops.create(client, Ops.sleeper("after.service", "MachineID=" + first.getMachineId()));
        Ops.awaitActive(client, List.of("after.service", "single.service"));
        assertThat(lives(lives)).hasSize(2);
    }

    /** When a process was alive, in seconds of {@code /proc/uptime}. */
    private record Life(double from, double to) {}

    /** Lives of the unit's processes by process id, in the order in which they began. */
    private static Map<String, Life> lives(Path file) {
        try {
            var lives = new LinkedHashMap<String, Life>();
            if (Files.exists(file)) {
                var text = Files.readString(file);
                text.substring(0, text.lastIndexOf('\n') + 1)
                        .lines()
                        .map(line -> line.split(" "))
                        .forEach(words -> {
                            double at = Double.parseDouble(words[1]);
                            lives.merge(words[0], new Life(at, at), (old, now) -> new Life(old.from(), now.to()));
                        });
            }
            return lives;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
