package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A restart that is ordered while the leader dies happens, and happens once. */
class RestartOnceIT {
    private static final int UNITS = 20;
    private static final int ROUNDS = 3;

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.machines();

    @Test
    void eachUnitIsStartedOnceMore() throws IOException {
        Assumptions.assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
        Cluster cluster = CLUSTER.cluster();
        Path starts = Files.createTempDirectory(cluster.scratch(), "starts");
        var names = Ops.names("again", UNITS);
        for (var name : names) {
            Ops.create(
                    cluster.client(),
                    Ops.unit(
                            name,
                            "[Service]\nExecStart=/bin/sh -c 'echo started >> " + starts.resolve(name)
                                    + "; exec sleep 100000'\n"));
        }
        Ops.awaitActive(cluster.client(), names);
        awaitStarts(starts, names, 1);
        for (int round = 1; round <= ROUNDS; round++) {
            var before = Ops.pids(Ops.awaitActive(cluster.client(), names).values());
            var leader = cluster.awaitLeader(Ops.SOON);
            var others = cluster.client(cluster.followersOf(leader));
            var orders = names.stream()
                    .map(name -> others.setTargetStatesAsync(List.of(TargetStateChange.newBuilder()
                            .setName(name)
                            .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                            .setStartAgain(true)
                            .build())))
                    .toList();
            // Some are committed by then, some on their way.
            var unused = CompletableFuture.anyOf(orders.toArray(CompletableFuture[]::new))
                    .orTimeout(Ops.SOON.toMillis(), TimeUnit.MILLISECONDS)
                    .join();
            leader.kill();
            orders.forEach(order -> assertThat(order.orTimeout(Ops.SOON.toMillis(), TimeUnit.MILLISECONDS)
                            .join()
                            .getResultsList())
                    .allSatisfy(result -> assertThat(result.getMessage()).isEmpty()));
            awaitStarts(starts, names, 1 + round);
            Await.until(
                    "all units have new processes",
                    Ops.SOON,
                    () -> Ops.pids(Ops.awaitActive(others, names).values()).entrySet().stream()
                            .noneMatch(e -> e.getValue().equals(before.get(e.getKey()))));
            leader.start();
            cluster.awaitReady(Ops.SOON);
            assertThat(counts(starts, names).values()).containsOnly(1 + round);
        }
    }

    private static void awaitStarts(Path starts, List<String> names, int count) {
        Await.until("each unit has been started " + count + " times", Ops.SOON, () -> {
            var counts = counts(starts, names);
            if (counts.values().stream().anyMatch(n -> n != count)) {
                throw new IllegalStateException("started: " + counts);
            }
            return true;
        });
    }

    private static Map<String, Integer> counts(Path starts, List<String> names) {
        var counts = new HashMap<String, Integer>();
        for (var name : names) {
            try {
                var file = starts.resolve(name);
                counts.put(name, Files.exists(file) ? Files.readAllLines(file).size() : 0);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
        return counts;
    }
}
