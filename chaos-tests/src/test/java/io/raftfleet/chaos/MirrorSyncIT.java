package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.mirror.MirrorKeys;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** {@code etcd_mirror=sync}: what is acknowledged is in etcd; what etcd has not got in time is done, and says so. */
@EnabledIf("io.raftfleet.etcd.testing.EtcdServer#installed")
class MirrorSyncIT {
    @TempDir
    private static Path dir;

    private static EtcdServer etcd;
    private static Cluster cluster;

    @BeforeAll
    static void start() {
        etcd = EtcdServer.start(dir);
        cluster = Cluster.start(ClusterOptions.of("mirror-sync")
                .with(AgentSpec.hollow("hollow", 2))
                .withSetting("etcd_servers", etcd.url().toString())
                .withSetting("etcd_mirror", "sync"));
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
        etcd.close();
    }

    @AfterEach
    void clear() {
        etcd.resume();
        cluster.engines().stream().filter(engine -> !engine.daemon().running()).forEach(EngineNode::start);
        cluster.awaitReady(Ops.SOON);
        Await.until("all units can be destroyed", Ops.SOON, () -> {
            Ops.destroyAll(cluster);
            return true;
        });
    }

    @Test
    void whatIsAcknowledgedIsInEtcd() {
        for (var engine : cluster.engines()) {
            for (var name : Ops.names("now-" + engine.id() + "-", 5)) {
                Ops.create(cluster.client(engine), Ops.sleeper(name));
                assertThat(unitKeys()).containsKey(key(name));
            }
            var put = Http.send(
                    engine,
                    "PUT",
                    "/fleet/v1/units/http-" + engine.id() + ".service",
                    "{\"desiredState\":\"launched\",\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\","
                            + "\"value\":\"/bin/sleep 100000\"}]}");
            assertThat(put.statusCode()).as(put.body()).isEqualTo(201);
            assertThat(unitKeys()).containsKey(key("http-" + engine.id() + ".service"));
            var delete = Http.send(engine, "DELETE", "/fleet/v1/units/http-" + engine.id() + ".service", "");
            assertThat(delete.statusCode()).as(delete.body()).isEqualTo(204);
            assertThat(unitKeys()).doesNotContainKey(key("http-" + engine.id() + ".service"));
        }
    }

    @Test
    void withoutEtcdAWriteStandsAndItsRetryWaits() throws Exception {
        Ops.launch(cluster.client(), List.of("again.service"));
        long before = unit("again.service").getStartGeneration();
        etcd.pause();
        var leader = cluster.awaitLeader(Ops.SOON);
        var follower = cluster.followersOf(leader).getFirst();
        var create = CreateUnitsRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addUnits(Ops.sleeper("late.service"))
                .addUnits(Ops.sleeper("Not valid"))
                .build();
        var restart = SetTargetStatesRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addChanges(TargetStateChange.newBuilder()
                        .setName("again.service")
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartAgain(true))
                .build();
        assertNotMirrored(() -> stub(follower, 2_000).createUnits(create));
        // In good time before the caller's own deadline, over whichever engine.
        assertNotMirrored(() -> stub(follower, 1_000).setTargetStates(restart));
        assertNotMirrored(() -> stub(leader, 1_000).setTargetStates(restart));
        var put = Http.send(
                follower,
                "PUT",
                "/fleet/v1/units/http.service",
                "{\"desiredState\":\"launched\",\"options\":[{\"section\":\"Service\",\"name\":\"ExecStart\","
                        + "\"value\":\"/bin/sleep 100000\"}]}");
        assertThat(put.statusCode()).isEqualTo(503);
        assertThat(put.body()).contains("committed, not mirrored");
        assertThat(put.headers().firstValue("Retry-After")).isPresent();

        // They are done.
        Ops.awaitActive(cluster.client(), List.of("late.service", "http.service", "again.service"));
        long after = unit("again.service").getStartGeneration();
        assertThat(after).isGreaterThan(before);
        var created = unit("late.service");

        var retry = FleetGrpc.newFutureStub(follower.channel())
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .createUnits(create);
        assertThat(retry.isDone()).isFalse();
        etcd.resume();
        assertThat(retry.get(10, TimeUnit.SECONDS).getResultsList())
                .extracting(result -> result.getCode())
                .containsExactly(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_INVALID);
        assertThat(unitKeys()).containsKeys(key("late.service"), key("http.service"));
        assertThat(stub(leader, 10_000).setTargetStates(restart).getResults(0).getCode())
                .isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(unitKeys().get(key("again.service"))).contains("\"startGeneration\":" + after + ",");
        // Once.
        assertThat(unit("again.service").getStartGeneration()).isEqualTo(after);
        assertThat(unit("late.service").getRevision()).isEqualTo(created.getRevision());
    }

    @Test
    void aWriteThatWaitsForEtcdOutlivesItsLeadersOffice() throws Exception {
        etcd.pause();
        var leader = cluster.awaitLeader(Ops.SOON);
        var write = waitingWrite(leader, "handed-over.service");
        cluster.client(leader).transferLeader("");
        etcd.resume();
        assertWritten(write, "handed-over.service");
    }

    @Test
    void aWriteThatWaitsForEtcdOutlivesItsLeader() throws Exception {
        etcd.pause();
        var leader = cluster.awaitLeader(Ops.SOON);
        var write = waitingWrite(leader, "moved.service");
        leader.kill();
        etcd.resume();
        assertWritten(write, "moved.service");
    }

    /** Sent to a follower; committed, and not answered. */
    private static Future<WriteResponse> waitingWrite(EngineNode leader, String name) {
        var followers = cluster.followersOf(leader);
        var create = CreateUnitsRequest.newBuilder()
                .setRequestId(Requests.newId())
                .addUnits(Ops.sleeper(name))
                .build();
        var written = FleetGrpc.newFutureStub(followers.getFirst().channel())
                .withDeadlineAfter(20, TimeUnit.SECONDS)
                .createUnits(create);
        Await.until(
                "the write is committed",
                Ops.SOON,
                () -> Ops.units(cluster.client(followers)).containsKey(name));
        return written;
    }

    private static void assertWritten(Future<WriteResponse> write, String name) throws Exception {
        assertThat(write.get(20, TimeUnit.SECONDS).getResults(0).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(unitKeys()).containsKey(key(name));
        assertThat(Ops.units(cluster.client())).containsOnlyKeys(name);
    }

    private static void assertNotMirrored(Runnable call) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).as(e.toString()).isEqualTo(Status.Code.FAILED_PRECONDITION);
            assertThat(e.getStatus().getDescription())
                    .startsWith("committed, not mirrored")
                    .contains("retry with the same request id");
        });
    }

    private static Unit unit(String name) {
        var unit = Ops.units(cluster.client()).get(name);
        assertThat(unit).as(name).isNotNull();
        return unit;
    }

    private static Map<String, String> unitKeys() {
        return MirrorKeys.actual(etcd);
    }

    private static String key(String unit) {
        return MirrorKeys.PREFIX + "units/" + unit;
    }

    private static FleetGrpc.FleetBlockingStub stub(EngineNode engine, int limitMs) {
        return FleetGrpc.newBlockingStub(engine.channel()).withDeadlineAfter(limitMs, TimeUnit.MILLISECONDS);
    }
}
