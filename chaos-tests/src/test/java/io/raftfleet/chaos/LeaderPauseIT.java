package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Unit;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The leader stands still with all its connections open, then goes on and believes that it leads. */
class LeaderPauseIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @RepeatedTest(3)
    void theOthersGoOnAndItNeverAnswersFromThePast() {
        Cluster cluster = CLUSTER.cluster();
        var names = Ops.names("keep", 10);
        Ops.launch(cluster.client(), names);
        var before = Ops.awaitActive(cluster.client(), names);
        var epochs = Ops.epochs(cluster.client());
        var leader = cluster.awaitLeader(Ops.SOON);
        var others = cluster.client(cluster.followersOf(leader));
        // The connection is there before the pause, so that the first question waits in its socket.
        assertThat(unitsAt(FleetGrpc.newBlockingStub(leader.channel()))).contains(names.getFirst());

        long paused = System.nanoTime();
        leader.daemon().pause();
        try {
            Ops.create(others, Ops.sleeper("after.service"));
            Ops.print("leader paused -> first write", Ops.since(paused));
            Await.until("all agents have opened sessions with the next leader", Ops.SOON, () -> {
                var now = Ops.epochs(others);
                return epochs.entrySet().stream().allMatch(e -> now.getOrDefault(e.getKey(), 0L) > e.getValue());
            });
            Ops.print("leader paused -> all agents back", Ops.since(paused));
            assertThat(Ops.awaitActive(others, names)).isEqualTo(before);
        } finally {
            leader.daemon().resume();
        }
        for (int read = 1; read <= 20; read++) {
            try {
                assertThat(unitsAt(FleetGrpc.newBlockingStub(leader.channel())))
                        .as("read %d of the engine that led", read)
                        .contains("after.service");
            } catch (StatusRuntimeException e) {
                // No answer is no lie.
            }
        }
        cluster.awaitEqual(Ops.SOON);
        assertThat(Ops.awaitActive(cluster.client(), names)).isEqualTo(before);
    }

    private static List<String> unitsAt(FleetGrpc.FleetBlockingStub engine) {
        return engine
                .withDeadlineAfter(2, TimeUnit.SECONDS)
                .listUnits(ListUnitsRequest.getDefaultInstance())
                .getUnitsList()
                .stream()
                .map(Unit::getName)
                .toList();
    }
}
