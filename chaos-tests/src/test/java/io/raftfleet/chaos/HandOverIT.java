package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An engine that is told to stop hands its leadership over: whoever writes through another engine sees no failure. */
class HandOverIT {
    private static final int ROUNDS = 3;
    private static final int WRITES_BEFORE = 50;

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    private final AtomicInteger number = new AtomicInteger();
    private final List<Long> successes = Collections.synchronizedList(new ArrayList<>());
    private final List<StatusRuntimeException> failures = Collections.synchronizedList(new ArrayList<>());

    @Test
    void noWriteThroughAnotherEngineFails() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        for (int round = 1; round <= ROUNDS; round++) {
            var leader = cluster.awaitLeader(Ops.SOON);
            successes.clear();
            var end = new AtomicBoolean();
            try (var writers = Executors.newVirtualThreadPerTaskExecutor()) {
                for (var engine : cluster.followersOf(leader)) {
                    writers.execute(() -> writeUntil(end, engine));
                }
                try {
                    awaitMoreWrites();
                    leader.stop(Duration.ofSeconds(20));
                    awaitMoreWrites();
                } finally {
                    end.set(true);
                }
            }
            assertThat(failures).isEmpty();
            Ops.print("round " + round + ", leader stopped in order, longest gap between two writes", longestGap());
            assertThat(cluster.awaitLeader(Ops.SOON)).isNotSameAs(leader);
            leader.start();
            cluster.awaitReady(Ops.SOON);
            cluster.awaitEqual(Ops.SOON);
        }
        assertThat(Ops.units(cluster.client())).hasSize(number.get());
    }

    private void awaitMoreWrites() {
        int sofar = successes.size();
        Await.until(
                "writes go on, after " + sofar,
                Ops.SOON,
                () -> successes.size() >= sofar + WRITES_BEFORE || !failures.isEmpty());
    }

    /** One write after the other, each once: nothing here tries again. */
    private void writeUntil(AtomicBoolean end, EngineNode engine) {
        while (!end.get()) {
            var request = CreateUnitsRequest.newBuilder()
                    .setRequestId(Requests.newId())
                    .addUnits(Ops.sleeper("w" + number.incrementAndGet() + ".service").toBuilder()
                            .setTargetState(TargetState.TARGET_STATE_INACTIVE))
                    .build();
            try {
                var response = FleetGrpc.newBlockingStub(engine.channel())
                        .withDeadlineAfter(10, TimeUnit.SECONDS)
                        .createUnits(request);
                assertThat(response.getResultsList()).hasSize(1);
                successes.add(System.nanoTime());
            } catch (StatusRuntimeException e) {
                failures.add(e);
                return;
            }
        }
    }

    private Duration longestGap() {
        var times = new ArrayList<>(successes);
        Collections.sort(times);
        long longest = 0;
        for (int i = 1; i < times.size(); i++) {
            longest = Math.max(longest, times.get(i) - times.get(i - 1));
        }
        return Duration.ofNanos(longest);
    }
}
