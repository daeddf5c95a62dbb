package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.unit.Fence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A unit that must never run twice, while the agent that looks after it stands still or is gone. */
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
        Ops.create(client, stubborn("single.service", lives));
        var first = Ops.awaitActive(client, List.of("single.service"))
                .values()
                .iterator()
                .next();
        var agent = cluster.agentOf(first.getMachineId());
        var plain = Ops.names("plain", 4);
        Ops.launch(client, plain);
        Ops.awaitActive(client, plain);
        var epochs = Ops.epochs(client);

        long paused = System.nanoTime();
        agent.daemon().pause();
        try {
            Await.until(
                    "the units that may run twice run on the other machine",
                    MOVED,
                    () -> Ops.states(client).stream()
                                    .filter(state -> plain.contains(state.getName()))
                                    .filter(state -> !state.getMachineId().equals(first.getMachineId()))
                                    .filter(state -> state.getActiveState().equals("active"))
                                    .count()
                            == plain.size());
            assertThat(lives(lives)).as("they do not wait for the fenced one").hasSize(1);
            Ops.print("agent of a fenced unit paused -> the other units run elsewhere", Ops.since(paused));
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
        client.destroyUnits(plain);
    }

    @Test
    void startsElsewhereOnlyWhenSystemdHasStoppedItWhereItsAgentWasKilled() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var lives = shared.resolve("lives");
        Ops.create(client, stubborn("orphaned.service", lives));
        var first = Ops.awaitActive(client, List.of("orphaned.service"))
                .values()
                .iterator()
                .next()
                .getMachineId();
        var agent = cluster.agentOf(first);
        var other = cluster.agents().stream()
                .filter(each -> each != agent)
                .findFirst()
                .orElseThrow();

        long killed = System.nanoTime();
        agent.kill();
        Await.until(
                "the unit runs on the other machine", MOVED, () -> lives(lives).size() == 2);
        assertThat(Ops.since(killed)).isGreaterThan(Fence.afterTtl(TTL));
        Ops.print("agent of a fenced unit killed -> the unit runs elsewhere", Ops.since(killed));

        var instances = List.copyOf(lives(lives).values());
        assertThat(instances.get(1).from())
                .as("start of the second process, by what both wrote")
                .isGreaterThan(instances.get(0).to());
        var names = List.of("orphaned.service");
        assertThat(agent.machine().property("ActiveState", names).get("orphaned.service"))
                .as("what the first machine's systemd made of it, without an agent")
                .isIn("failed", "inactive");
        assertThat(micros(other, "ExecMainStartTimestampMonotonic"))
                .as("start of the second process, by the machines' systemds")
                .isGreaterThan(micros(agent, "InactiveEnterTimestampMonotonic"));
        assertThat(micros(agent, "InactiveEnterTimestampMonotonic")).isPositive();
    }

    /** When that was for the unit on this machine, as its systemd has it, in microseconds of the clock that all machines share. */
    private static long micros(AgentNode agent, String property) {
        return Long.parseLong(Objects.requireNonNull(
                agent.machine().property(property, List.of("orphaned.service")).get("orphaned.service")));
    }

    /** Deaf to SIGTERM: it lives as long as the fence lets anything live. */
    private static NewUnit stubborn(String name, Path lives) {
        return Ops.unit(
                name,
                "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; while read -r now idle </proc/uptime; do"
                        + " echo $$$$ $$now; sleep 0.05; done >>" + lives + "'\n\n[X-Fleet]\nFence=true\n");
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
