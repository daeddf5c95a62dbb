package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A write that is sent again is done once, whoever leads by then. */
class RetryIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @Test
    void writesSentAgainAfterALeaderChangeAreDoneOnce() {
        Cluster cluster = CLUSTER.cluster();
        var leader = cluster.awaitLeader(Ops.SOON);
        var follower = cluster.followersOf(leader).getFirst();
        Ops.launch(cluster.client(), List.of("again.service"));
        var create = CreateUnitsRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addUnits(Ops.sleeper("gone.service"))
                .addUnits(Ops.sleeper("Not valid"))
                .build();
        var destroy = DestroyUnitsRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addNames("gone.service")
                .addNames("never-was.service")
                .build();
        var restart = restart("again.service");
        var created = stub(leader).createUnits(create);
        var destroyed = stub(follower).destroyUnits(destroy);
        var restarted = stub(follower).setTargetStates(restart);
        assertThat(created.getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(created.getResults(1).getCode()).isEqualTo(ItemCode.ITEM_CODE_INVALID);
        assertThat(destroyed.getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(destroyed.getResults(1).getCode()).isEqualTo(ItemCode.ITEM_CODE_NOT_FOUND);
        assertThat(restarted.getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        long generation = generation(cluster);

        leader.kill();
        var next = cluster.awaitLeader(Ops.SOON);
        for (var engine : cluster.followersOf(leader)) {
            assertThat(stub(engine).setTargetStates(restart).getResultsList()).isEqualTo(restarted.getResultsList());
            assertThat(stub(engine).createUnits(create).getResultsList()).isEqualTo(created.getResultsList());
            assertThat(stub(engine).destroyUnits(destroy).getResultsList()).isEqualTo(destroyed.getResultsList());
        }
        assertThat(next).isNotSameAs(leader);
        assertThat(Ops.units(cluster.client(next))).containsOnlyKeys("again.service");
        assertThat(generation(cluster)).isEqualTo(generation);

        // What is not a repetition is done.
        stub(next).setTargetStates(restart("again.service"));
        assertThat(generation(cluster)).isGreaterThan(generation);
    }

    @Test
    void repetitionsSentAtOnceToAllEnginesAreDoneOnce() throws Exception {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.launch(client, List.of("again.service"));
        for (int round = 1; round <= 10; round++) {
            var restart = restart("again.service");
            long generation = generation(cluster);
            var before = client.listUnits(ListUnitsRequest.getDefaultInstance()).revision();
            var calls = cluster.engines().stream()
                    .flatMap(engine -> Stream.of(engine, engine))
                    .map(engine -> FleetGrpc.newFutureStub(engine.channel())
                            .withDeadlineAfter(10, TimeUnit.SECONDS)
                            .setTargetStates(restart))
                    .toList();
            for (var call : calls) {
                assertThat(call.get().getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
            }
            var end = "end" + round + ".service";
            Ops.launch(client, List.of(end));
            assertThat(generationsUntil(client, before, end))
                    .filteredOn(g -> g > generation)
                    .hasSize(1);
        }
    }

    /** The start generations that the unit had after a revision, until the unit {@code end} was made. */
    private static Set<Long> generationsUntil(FleetClient client, Revision after, String end) throws Exception {
        var generations = new HashSet<Long>();
        var request = WatchRequest.newBuilder().setAfter(after).setUnits(true).build();
        try (var watch = client.watch(request)) {
            while (true) {
                var frame = watch.next(Ops.SOON);
                assertThat(frame).as("events up to the making of %s", end).isNotNull();
                for (var event : frame.getEventsList()) {
                    if (event.getUnit().getName().equals("again.service")) {
                        generations.add(event.getUnit().getStartGeneration());
                    } else if (event.getUnit().getName().equals(end)) {
                        return generations;
                    }
                }
            }
        }
    }

    @Test
    void anIdPastItsTimeIsRefusedAndNothingDone() {
        Cluster cluster = CLUSTER.cluster();
        for (var engine : cluster.engines()) {
            var late = CreateUnitsRequest.newBuilder()
                    .setRequestId(Requests.idMadeBefore(Duration.ofMinutes(6)))
                    .addUnits(Ops.sleeper("late.service"))
                    .build();
            assertRefused(() -> stub(engine).createUnits(late), Status.Code.FAILED_PRECONDITION, "request id");
            var early = late.toBuilder()
                    .setRequestId(Requests.idMadeBefore(Duration.ofMinutes(-6)))
                    .build();
            assertRefused(() -> stub(engine).createUnits(early), Status.Code.FAILED_PRECONDITION, "ahead");
        }
        assertThat(Ops.units(cluster.client())).isEmpty();
    }

    @Test
    void anIdUsedForAnotherRequestIsRefusedAndNothingDone() {
        Cluster cluster = CLUSTER.cluster();
        var id = Requests.newId();
        var first = CreateUnitsRequest.newBuilder()
                .setRequestId(id)
                .addUnits(Ops.sleeper("first.service"))
                .build();
        stub(cluster.engines().getFirst()).createUnits(first);
        var other = first.toBuilder().setUnits(0, Ops.sleeper("second.service")).build();
        var another = DestroyUnitsRequest.newBuilder()
                .setRequestId(id)
                .addNames("first.service")
                .build();
        for (var engine : cluster.engines()) {
            assertRefused(() -> stub(engine).createUnits(other), Status.Code.INVALID_ARGUMENT, "another request");
            assertRefused(() -> stub(engine).destroyUnits(another), Status.Code.INVALID_ARGUMENT, "another request");
        }
        assertThat(Ops.units(cluster.client())).containsOnlyKeys("first.service");
    }

    private static SetTargetStatesRequest restart(String name) {
        return SetTargetStatesRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addChanges(TargetStateChange.newBuilder()
                        .setName(name)
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartAgain(true))
                .build();
    }

    private static long generation(Cluster cluster) {
        var unit = Ops.units(cluster.client()).get("again.service");
        assertThat(unit).isNotNull();
        return unit.getStartGeneration();
    }

    private static FleetGrpc.FleetBlockingStub stub(EngineNode engine) {
        return FleetGrpc.newBlockingStub(engine.channel()).withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    private static void assertRefused(Runnable call, Status.Code code, String message) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).isEqualTo(code);
            assertThat(e.getStatus().getDescription()).contains(message);
        });
    }
}
