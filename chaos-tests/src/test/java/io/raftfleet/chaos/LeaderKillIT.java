package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The leader dies: nothing happens to units, and the cluster goes on with what it knew. */
class LeaderKillIT {
    private static final int UNITS = 40;

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.machines();

    @Test
    void unitsRunOnAndTheClusterGoesOn() {
        Cluster cluster = CLUSTER.cluster();
        var names = Ops.names("keep", UNITS);
        Ops.launch(cluster.client(), names);
        var before = Ops.awaitActive(cluster.client(), names);
        var processes = Ops.processes(cluster, before);
        assertThat(processes).hasSize(UNITS);
        var epochs = Ops.epochs(cluster.client());
        var leader = cluster.awaitLeader(Ops.SOON);
        var others = cluster.client(cluster.followersOf(leader));

        long killed = System.nanoTime();
        leader.kill();
        Ops.create(others, Ops.sleeper("after.service"));
        Ops.print("leader killed -> first write", Ops.since(killed));

        var next = cluster.awaitLeader(Ops.SOON);
        assertThat(next).isNotSameAs(leader);
        // The very first answer counts: a leader that had to ask the machines would not have all of them yet.
        List<UnitState> first = Await.get("the new leader lists states", Ops.SOON, () -> {
            try {
                return Optional.of(Ops.states(cluster.client(next)));
            } catch (FleetClientException e) {
                return Optional.empty();
            }
        });
        var seen = new HashMap<String, UnitState>();
        first.stream().filter(state -> names.contains(state.getName())).forEach(s -> seen.put(s.getName(), s));
        assertThat(seen).isEqualTo(before);

        Await.until("all agents have opened sessions with the new leader", Ops.SOON, () -> {
            var now = Ops.epochs(others);
            return epochs.entrySet().stream().allMatch(e -> now.getOrDefault(e.getKey(), 0L) > e.getValue());
        });
        Ops.print("leader killed -> all agents back", Ops.since(killed));
        Ops.awaitActive(others, List.of("after.service"));
        Ops.print("leader killed -> new unit active", Ops.since(killed));

        var after = Ops.awaitActive(others, names);
        assertThat(after).isEqualTo(before);
        assertThat(Ops.processes(cluster, after)).isEqualTo(processes);

        long restarted = System.nanoTime();
        leader.start();
        Await.until(
                "the killed engine answers",
                Ops.SOON,
                () -> leader.status(Duration.ofSeconds(1)).getAppliedIndex() > 0);
        var status = cluster.awaitEqual(Ops.SOON);
        Ops.print("killed engine started -> same registry as the others", Ops.since(restarted));
        assertThat(status.getUnits()).isEqualTo(UNITS + 1);
        assertThat(Ops.processes(cluster, after)).isEqualTo(processes);
    }
}
