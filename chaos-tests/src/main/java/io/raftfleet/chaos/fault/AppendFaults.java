package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.Namespaces;
import io.raftfleet.chaos.cluster.NotInTimeException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A follower is killed in the middle of appends and started again, twice, while what it answers reaches the leader late: answers of the
 * time before a restart arrive after it, and the leader sends the same entries more than once, because it hears late that they are
 * missing. Where the follower's disk can be slowed, entries are still being written when they come again.
 */
final class AppendFaults {
    private static final Duration APPENDS_LIMIT = Duration.ofSeconds(5);
    private static final Duration ANSWER_LIMIT = Duration.ofMillis(500);
    private static final int RESTARTS = 2;

    private final Targets targets;
    private final @Nullable Namespaces network;
    private final String obstacle;
    private final SlowNet slowNet;
    private final @Nullable Disks disks;

    /**
     * @param network absent when all hosts share one
     * @param obstacle why it is absent
     * @param disks absent when engines' data lies on the host's file system
     */
    AppendFaults(
            Targets targets, @Nullable Namespaces network, String obstacle, SlowNet slowNet, @Nullable Disks disks) {
        this.targets = targets;
        this.network = network;
        this.obstacle = obstacle;
        this.slowNet = slowNet;
        this.disks = disks;
    }

    List<FaultSource> sources() {
        return List.of(new SimpleSource(
                "append-restart", obstacle.isEmpty() ? slowNet.obstacle() : obstacle, this::appendRestart));
    }

    private Fault appendRestart(RandomGenerator random) {
        var engines = targets.cluster().engines();
        int first = random.nextInt(engines.size());
        var leader = targets.leader(engines.get(first));
        var follower =
                engines.get(first).equals(leader) ? engines.get((first + 1) % engines.size()) : engines.get(first);
        int least = 20 + random.nextInt(200);
        int most = least + 50 + random.nextInt(400);
        int entries = 1 + random.nextInt(10);
        int slowness = disks == null ? 0 : 10 + random.nextInt(40);
        return new SimpleFault(
                List.of(follower.id()),
                Set.of(follower.id(), "net-" + leader.id(), "disk-" + follower.id()),
                "SIGKILL " + follower.id() + " amid appends, its answers to " + leader.id() + " take " + least + " to "
                        + most + " ms" + (slowness == 0 ? "" : ", its writes " + slowness + " ms longer"),
                e -> {
                    slowNet.begin(network(), leader.id(), List.of(follower.id()), least, most);
                    slow(follower, slowness);
                    for (int i = 0; i < RESTARTS; i++) {
                        awaitAppends(follower, entries);
                        follower.kill();
                        follower.start();
                    }
                    awaitAppends(follower, entries);
                },
                e -> {
                    slow(follower, 0);
                    slowNet.end(network(), leader.id(), List.of(follower.id()));
                    follower.start();
                });
    }

    /** Until the follower's log grows; not for long, for the leader may be another by now, or have nothing to send. */
    private static void awaitAppends(EngineNode follower, int entries) {
        try {
            long from = Await.get(
                    follower.id() + " says where its log ends", APPENDS_LIMIT, () -> Optional.of(end(follower)));
            Await.until(follower.id() + "'s log grows", APPENDS_LIMIT, () -> end(follower) >= from + entries);
        } catch (NotInTimeException e) {
            // Then it is restarted as it is.
        }
    }

    private static long end(EngineNode engine) {
        return engine.status(ANSWER_LIMIT).getLogIndex();
    }

    private void slow(EngineNode engine, int millis) {
        if (disks != null) {
            disks.slow(engine.id(), millis);
        }
    }

    private Namespaces network() {
        if (network == null) {
            throw new IllegalStateException("no network of hosts: " + obstacle);
        }
        return network;
    }
}
