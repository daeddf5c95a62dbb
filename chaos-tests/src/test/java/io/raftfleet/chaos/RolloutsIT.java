package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ControlRolloutRequest.Order;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rolling changes are the cluster's: they go on when the leader dies, stop at what fails, and wait when they are told to. */
class RolloutsIT {
    private static final int UNITS = 12;
    private static final int AT_ONCE = 2;
    private static final String OLD = "[Service]\nExecStart=/bin/sleep 100000\n";
    private static final String NEW = "[Service]\nExecStart=/bin/sleep 200000\n";

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    @Test
    void aChangeGoesOnWhenTheLeaderDiesAndAPauseOutlivesTheLeaderThatWasTold() {
        Cluster cluster = CLUSTER.cluster();
        var names = Ops.names("roll", UNITS);
        launch(cluster.client(), names);
        String id = begin(
                cluster.client(),
                names,
                NEW,
                StartRolloutRequest.newBuilder().setMaxUnavailable(AT_ONCE).setHealthWaitMs(1_000));
        EngineNode dead = cluster.awaitLeader(Ops.SOON);
        int before = await(
                        cluster.client(),
                        id,
                        "the first group is replaced",
                        rollout -> rollout.getGroupFrom() >= AT_ONCE)
                .getGroupFrom();
        dead.kill();
        var client = cluster.client(cluster.followersOf(dead));
        await(client, id, "the next leader goes on", rollout -> rollout.getGroupFrom() > before);

        assertThat(client.controlRollout(id, Order.ORDER_PAUSE).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        Rollout paused = await(client, id, "it is paused", rollout -> true);
        assertThat(paused.getPhase()).isEqualTo(RolloutPhase.ROLLOUT_PHASE_PAUSED);
        var untouched = names.subList(paused.getGroupTo(), names.size());
        assertThat(untouched).isNotEmpty();
        client.transferLeader("");
        // What a new leader decides on comes after all that it had to do with what it found.
        Ops.create(client, Ops.sleeper("later.service"));
        Ops.awaitActive(client, List.of("later.service"));
        assertThat(await(client, id, "the last leader knows of it", rollout -> true))
                .isEqualTo(paused);
        assertThat(hashes(client, untouched)).containsExactly(hashOf(OLD));

        assertThat(client.controlRollout(id, Order.ORDER_RESUME).getCode()).isEqualTo(ItemCode.ITEM_CODE_OK);
        Rollout done = await(client, id, "all groups are replaced", RolloutsIT::isDone);
        assertThat(done.getBack()).isFalse();
        assertThat(done.getReason()).isEmpty();
        assertThat(Ops.awaitActive(client, names)).hasSize(UNITS);
        assertThat(hashes(client, names)).hasSize(1).doesNotContain(hashOf(OLD));
    }

    @Test
    void aCanaryThatFailsIsTakenBackAndNamesItsReason() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var names = Ops.names("canary", UNITS);
        launch(client, names);
        var before = Ops.awaitActive(client, names);
        String id = begin(
                client,
                names,
                NEW + "[X-Hollow]\nFailStart=true\n",
                StartRolloutRequest.newBuilder()
                        .setMaxUnavailable(AT_ONCE)
                        .setCanary(1)
                        .setRollback(true));

        Rollout back = await(client, id, "the canary is taken back", RolloutsIT::isDone);
        assertThat(back.getBack()).isTrue();
        assertThat(back.getReason()).contains("canary1.service", "fail");
        var after = Ops.awaitActive(client, names);
        assertThat(hashes(client, names)).containsExactly(hashOf(OLD));
        // The others were never touched.
        assertThat(Ops.pids(after.values()))
                .containsAllEntriesOf(Ops.pids(before.values().stream()
                        .filter(state -> !state.getName().equals("canary1.service"))
                        .toList()));
    }

    private static void launch(FleetClient client, List<String> names) {
        Ops.requireOk(client.createUnits(
                names.stream().map(name -> Ops.unit(name, OLD)).toList(), false));
        Ops.awaitActive(client, names);
    }

    private static String begin(
            FleetClient client, List<String> names, String file, StartRolloutRequest.Builder request) {
        names.forEach(
                name -> request.addUnits(NewUnit.newBuilder().setName(name).setText(file)));
        var begun = client.startRollout(request.build());
        assertThat(begun.result().getCode()).as(begun.result().getMessage()).isEqualTo(ItemCode.ITEM_CODE_OK);
        return begun.id();
    }

    private static boolean isDone(Rollout rollout) {
        assertThat(rollout.getPhase()).as(rollout.getReason()).isNotEqualTo(RolloutPhase.ROLLOUT_PHASE_STOPPED);
        return rollout.getPhase() == RolloutPhase.ROLLOUT_PHASE_DONE;
    }

    private static Rollout await(FleetClient client, String id, String what, Predicate<Rollout> condition) {
        return Await.get(what, Ops.SOON, () -> {
            try {
                return client.listRollouts(id).stream().findFirst().filter(condition);
            } catch (FleetClientException e) {
                return Optional.empty();
            }
        });
    }

    /** Of the files that machines run. */
    private static Set<ByteString> hashes(FleetClient client, List<String> names) {
        return Ops.states(client).stream()
                .filter(state -> names.contains(state.getName()))
                .map(UnitState::getHash)
                .collect(Collectors.toSet());
    }

    private static ByteString hashOf(String file) {
        try {
            return UnitFile.parse(file).hash().toByteString();
        } catch (InvalidUnitException e) {
            throw new IllegalStateException(e);
        }
    }
}
