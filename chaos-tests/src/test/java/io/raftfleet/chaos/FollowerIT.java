package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ReadOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Any engine serves everything; one that is alone serves what it has, and says plainly that it can't do more. */
class FollowerIT {
    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @Test
    void everyEngineSeesWhatAnyEngineHasAcknowledged() {
        Cluster cluster = CLUSTER.cluster();
        var expected = new ArrayList<String>();
        for (int round = 1; round <= 5; round++) {
            for (var writer : cluster.engines()) {
                var name = "seen-" + writer.id() + "-" + round + ".service";
                Ops.create(cluster.client(writer), Ops.sleeper(name));
                expected.add(name);
                for (var reader : cluster.engines()) {
                    assertThat(Ops.units(cluster.client(reader)).keySet())
                            .as("%s reads what %s acknowledged", reader, writer)
                            .containsExactlyInAnyOrderElementsOf(expected);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anEngineAloneAnswersStaleReadsAndRefusesTheRest(boolean formerLeader) {
        Cluster cluster = CLUSTER.cluster();
        var names = Ops.names("alone", 3);
        Ops.launch(cluster.client(), names);
        var active = Ops.awaitActive(cluster.client(), names);
        cluster.awaitEqual(Ops.SOON);
        var leader = cluster.awaitLeader(Ops.SOON);
        var followers = cluster.followersOf(leader);
        var alone = formerLeader ? leader : followers.getFirst();
        cluster.engines().stream().filter(engine -> engine != alone).forEach(EngineNode::kill);

        assertThat(staleUnits(alone)).containsExactlyElementsOf(names);
        assertThat(quickest(alone, "/fleet/v1/units", 503, "quorum")).isLessThan(2_000);
        assertThat(quickest(alone, "/fleet/v1/state", 503, "quorum")).isLessThan(2_000);
        assertThat(quickest(alone, "/fleet/v1/units?stale=true", 200, "alone1.service"))
                .isLessThan(2_000);
        assertThat(quickest(alone, "/fleet/v1/state?stale=true", 200, "\"active\""))
                .isLessThan(2_000);
        refusesWrites(alone);
        assertThat(staleUnits(alone)).containsExactlyElementsOf(names);

        long start = System.nanoTime();
        cluster.engines().forEach(EngineNode::start);
        cluster.awaitReady(Ops.SOON);
        Ops.create(cluster.client(alone), Ops.sleeper("back.service"));
        Ops.print("two engines started again -> first write", Ops.since(start));
        assertThat(Ops.awaitActive(cluster.client(), names)).isEqualTo(active);
        // What was refused may have been UNKNOWN, never "failed": if it shows up, it does so on all engines.
        cluster.awaitEqual(Ops.SOON);
    }

    /** A write ends within its deadline, with a status that says whether it may have been done. */
    private static void refusesWrites(EngineNode alone) {
        var request = CreateUnitsRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addUnits(Ops.sleeper("perhaps.service"))
                .build();
        long start = System.nanoTime();
        var failure = catchThrowableOfType(
                StatusRuntimeException.class,
                () -> FleetGrpc.newBlockingStub(alone.channel())
                        .withDeadlineAfter(3, TimeUnit.SECONDS)
                        .createUnits(request));
        var took = Ops.since(start);
        assertThat(failure).isNotNull();
        assertThat(failure.getStatus().getCode()).isIn(Status.Code.UNAVAILABLE, Status.Code.UNKNOWN);
        assertThat(failure.getStatus().getDescription()).contains("the write");
        assertThat(took).isLessThan(Duration.ofMillis(3_500));
        System.out.println("[figure] write without a quorum, deadline 3 s: "
                + failure.getStatus().getCode() + " after " + took.toMillis() + " ms: "
                + failure.getStatus().getDescription());
    }

    private static List<String> staleUnits(EngineNode engine) {
        var request = ListUnitsRequest.newBuilder()
                .setRead(ReadOptions.newBuilder().setStale(true))
                .build();
        return FleetGrpc.newBlockingStub(engine.channel())
                .withDeadlineAfter(2, TimeUnit.SECONDS)
                .listUnits(request)
                .getUnitsList()
                .stream()
                .map(unit -> unit.getName())
                .toList();
    }

    /** Milliseconds of the quickest of some calls: what a busy machine adds is none of the engine's. */
    private static long quickest(EngineNode engine, String path, int status, String body) {
        long quickest = Long.MAX_VALUE;
        for (int call = 0; call < 3; call++) {
            long start = System.nanoTime();
            var response = Http.get(engine, path);
            quickest = Math.min(quickest, Ops.since(start).toMillis());
            assertThat(response.body()).as(path).contains(body);
            assertThat(response.statusCode()).as(path).isEqualTo(status);
        }
        System.out.println("[figure] alone, " + path + " -> " + status + ": " + quickest + " ms");
        return quickest;
    }
}
