package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** All engines end and start again: everything is as before, transient state included. */
class RestartAllIT {
    /** How engines end. */
    enum Way {
        TERM {
            @Override
            void end(Cluster cluster) {
                cluster.engines().forEach(engine -> engine.daemon().terminate());
                cluster.engines().forEach(engine -> engine.daemon().awaitExit(Duration.ofSeconds(20)));
            }
        },
        KILL {
            @Override
            void end(Cluster cluster) {
                cluster.engines().forEach(EngineNode::kill);
            }
        };

        abstract void end(Cluster cluster);
    }

    private record Everything(List<Unit> units, List<Machine> machines, List<UnitState> states) {}

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.machines();

    @ParameterizedTest
    @EnumSource(Way.class)
    void everythingIsAsBefore(Way way) {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var names = Ops.names("stay", 9);
        Ops.launch(client, names);
        Ops.create(
                client,
                target(Ops.sleeper("loaded.service"), TargetState.TARGET_STATE_LOADED),
                target(Ops.sleeper("idle.service"), TargetState.TARGET_STATE_INACTIVE),
                target(Ops.sleeper("tpl@.service"), TargetState.TARGET_STATE_INACTIVE),
                Ops.sleeper("everywhere.service", "Global=true"),
                Ops.sleeper("nowhere.service", "MachineMetadata=planet=mars"));
        var active = Ops.awaitActive(client, names);
        int machines = Ops.machines(client).size();
        Await.until("the other units have settled", Ops.SOON, () -> {
            var states = Ops.states(client);
            return states.stream()
                                    .filter(s -> s.getName().equals("everywhere.service") && s.getLaunched())
                                    .count()
                            == machines
                    && states.stream().anyMatch(s -> s.getName().equals("loaded.service"))
                    && states.size() == names.size() + machines + 1;
        });
        var processes = Ops.processes(cluster, active);
        var before = everything(cluster);
        var epochs = Ops.epochs(client);

        way.end(cluster);
        long start = System.nanoTime();
        cluster.engines().forEach(EngineNode::start);
        // The very first answer counts.
        var first = Await.get("the registry is back", Ops.SOON, () -> Optional.of(everything(cluster)));
        Ops.print("all engines ended by SIG" + way + ", started -> first answer", Ops.since(start));
        assertThat(first).usingRecursiveComparison().isEqualTo(before);

        Await.until("all agents have opened new sessions", Ops.SOON, () -> {
            var now = Ops.epochs(client);
            return epochs.entrySet().stream().allMatch(e -> now.getOrDefault(e.getKey(), 0L) > e.getValue());
        });
        cluster.awaitReady(Ops.SOON);
        var after = everything(cluster);
        assertThat(after.units()).isEqualTo(before.units());
        assertThat(after.states()).isEqualTo(before.states());
        assertThat(after.machines()).isEqualTo(before.machines());
        assertThat(Ops.processes(cluster, Ops.awaitActive(client, names))).isEqualTo(processes);
        cluster.awaitEqual(Ops.SOON);
    }

    /** Sessions aside, which are new after a restart. */
    private static Everything everything(Cluster cluster) {
        var request = ListUnitsRequest.newBuilder().setWithContents(true).build();
        var client = cluster.client();
        return new Everything(
                client.listUnits(request).rows(),
                Ops.machines(client).stream()
                        .map(machine -> machine.toBuilder().clearSessionEpoch().build())
                        .toList(),
                Ops.states(client));
    }

    private static NewUnit target(NewUnit unit, TargetState target) {
        return unit.toBuilder().setTargetState(target).build();
    }
}
