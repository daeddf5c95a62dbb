package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Which machine runs what, on a cluster of one engine and three agents with a machine each. */
class PlacementIT {
    private static final Duration TTL = Duration.ofSeconds(3);

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.own(ClusterOptions.of("placement")
            .withEngines(1)
            .withAgentTtl(TTL)
            .with(AgentSpec.hollow("a1", 1).withMetadata(Map.of("host", "h1", "disk", "ssd")))
            .with(AgentSpec.hollow("a2", 1).withMetadata(Map.of("host", "h2", "disk", "hdd")))
            .with(AgentSpec.hollow("a3", 1).withMetadata(Map.of("host", "h3", "disk", "hdd"))));

    @Test
    void peersShareAMachineAndConflictsKeepApart() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(
                client,
                Ops.sleeper("ping.service"),
                Ops.sleeper("pong.service", "MachineOf=ping.service"),
                Ops.sleeper("lone@1.service", "Conflicts=lone@*.service"),
                Ops.sleeper("lone@2.service", "Conflicts=lone@*.service"),
                Ops.sleeper("lone@3.service", "Conflicts=lone@*.service"));
        var active = Ops.awaitActive(
                client, List.of("ping.service", "pong.service", "lone@1.service", "lone@2.service", "lone@3.service"));
        assertThat(machine(active, "pong.service")).isEqualTo(machine(active, "ping.service"));
        assertThat(List.of(
                        machine(active, "lone@1.service"),
                        machine(active, "lone@2.service"),
                        machine(active, "lone@3.service")))
                .doesNotHaveDuplicates();
    }

    @Test
    void metadataChoosesAndGlobalUnitsAreEverywhere() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(
                client,
                Ops.sleeper("fast.service", "MachineMetadata=disk=ssd"),
                Ops.sleeper("second.service", "MachineMetadata=host=h2"),
                Ops.sleeper("everywhere.service", "Global=true"),
                Ops.sleeper("slow.service", "Global=true", "MachineMetadata=disk=hdd"));
        var active = Ops.awaitActive(client, List.of("fast.service", "second.service"));
        assertThat(machine(active, "fast.service")).isEqualTo(id(cluster, "a1"));
        assertThat(machine(active, "second.service")).isEqualTo(id(cluster, "a2"));
        Await.until("global units are where they belong", Ops.SOON, () -> {
            assertWhere(
                    machinesWith(cluster, "everywhere.service"),
                    id(cluster, "a1"),
                    id(cluster, "a2"),
                    id(cluster, "a3"));
            assertWhere(machinesWith(cluster, "slow.service"), id(cluster, "a2"), id(cluster, "a3"));
            return true;
        });
    }

    @Test
    void globalUnitsKeepOffWhatTheyConflictWithAndComeWhenItGoes() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(client, Ops.sleeper("first.service", "MachineMetadata=host=h2"));
        Ops.awaitActive(client, List.of("first.service"));
        Ops.create(
                client,
                Ops.sleeper("global-0.service", "Global=true", "Conflicts=first.service"),
                Ops.sleeper("global-1.service", "Global=true", "Conflicts=global-*"));
        Await.until("the first global unit is where it may be", Ops.SOON, () -> {
            assertWhere(machinesWith(cluster, "global-0.service"), id(cluster, "a1"), id(cluster, "a3"));
            assertWhere(machinesWith(cluster, "global-1.service"), id(cluster, "a2"));
            return true;
        });
        client.destroyUnits(List.of("first.service"));
        Await.until("it takes the other's place", Ops.SOON, () -> {
            assertWhere(
                    machinesWith(cluster, "global-0.service"), id(cluster, "a1"), id(cluster, "a2"), id(cluster, "a3"));
            assertWhere(machinesWith(cluster, "global-1.service"));
            return true;
        });
    }

    @Test
    void globalUnitsComeToMachinesThatJoinOrTakeUpMetadataAndLeaveThoseThatGiveThemUp() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(
                client,
                Ops.sleeper("anywhere.service", "Global=true"),
                Ops.sleeper("zoned.service", "Global=true", "MachineMetadata=zone=z1"));
        say(client, id(cluster, "a1"), "zone", "z1");
        Await.until("one machine is in the zone", Ops.SOON, () -> {
            assertWhere(machinesWith(cluster, "zoned.service"), id(cluster, "a1"));
            return true;
        });
        var late = cluster.addAgent(AgentSpec.hollow("late", 1).withMetadata(Map.of("zone", "z1")));
        try {
            var joined = late.machineIds().getFirst();
            Await.until("the machine that joins has both", Ops.SOON, () -> {
                assertWhere(machinesWith(cluster, "zoned.service"), id(cluster, "a1"), joined);
                assertWhere(
                        machinesWith(cluster, "anywhere.service"),
                        id(cluster, "a1"),
                        id(cluster, "a2"),
                        id(cluster, "a3"),
                        joined);
                return true;
            });
            say(client, id(cluster, "a1"), "zone", null);
            Await.until("the machine that is in the zone no longer has let go", Ops.SOON, () -> {
                assertWhere(machinesWith(cluster, "zoned.service"), joined);
                return true;
            });
        } finally {
            cluster.remove(late);
        }
        Await.until("the machine that leaves is counted no longer", Ops.SOON, () -> {
            assertWhere(machinesWith(cluster, "zoned.service"));
            assertWhere(
                    machinesWith(cluster, "anywhere.service"), id(cluster, "a1"), id(cluster, "a2"), id(cluster, "a3"));
            return true;
        });
    }

    @Test
    void aChainOfMachineOfFollowsItsHeadToAnotherMachine() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        say(client, id(cluster, "a1"), "spot", "here");
        Ops.create(
                client,
                Ops.sleeper("head.service", "MachineMetadata=spot=here"),
                Ops.sleeper("middle.service", "MachineOf=head.service"),
                Ops.sleeper("tail.service", "MachineOf=middle.service"));
        var chain = List.of("head.service", "middle.service", "tail.service");
        assertThat(Ops.awaitActive(client, chain).values())
                .extracting(UnitState::getMachineId)
                .containsOnly(id(cluster, "a1"));
        say(client, id(cluster, "a2"), "spot", "here");
        say(client, id(cluster, "a1"), "spot", null);
        Await.until("all have moved", Ops.SOON, () -> {
            chain.forEach(unit -> assertWhere(machinesWith(cluster, unit), id(cluster, "a2")));
            return true;
        });
        say(client, id(cluster, "a2"), "spot", null);
    }

    @Test
    void dynamicMetadataSurviveTheMachinesLeavingAndRejoining() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var machine = id(cluster, "a3");
        say(client, machine, "berth", "b7");
        Ops.create(client, Ops.sleeper("berthed.service", "MachineMetadata=berth=b7"));
        assertThat(machine(Ops.awaitActive(client, List.of("berthed.service")), "berthed.service"))
                .isEqualTo(machine);
        var agent = cluster.agents().stream()
                .filter(a -> a.name().equals("a3"))
                .findFirst()
                .orElseThrow();
        agent.daemon().pause();
        try {
            Await.until("the machine has left, and no other will do", Ops.SOON, () -> {
                var unit = Ops.units(client).get("berthed.service");
                return Ops.machines(client).size() == 2
                        && unit != null
                        && unit.getMachineId().isEmpty();
            });
        } finally {
            agent.daemon().resume();
        }
        cluster.awaitReady(Ops.SOON);
        assertThat(machine(Ops.awaitActive(client, List.of("berthed.service")), "berthed.service"))
                .isEqualTo(machine);
        say(client, machine, "berth", null);
    }

    /** An operator's word on a machine; null takes it back. */
    private static void say(FleetClient client, String machine, String key, @Nullable String value) {
        var patch = MachinePatch.newBuilder().setMachineId(machine).setKey(key);
        if (value != null) {
            patch.setValue(value);
        }
        assertThat(client.patchMachines(List.of(patch.build())).results())
                .extracting(ItemResult::getCode)
                .containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aUnitThatFitsNowhereSaysWhyAndIsPlacedWhenAMachineComes() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        Ops.create(client, Ops.sleeper("tape.service", "MachineMetadata=disk=tape"));
        Unit waiting = Await.get("the unit says why it waits", Ops.SOON, () -> {
            var unit = Ops.units(client).get("tape.service");
            return unit == null || unit.getVetoesCount() == 0
                    ? java.util.Optional.empty()
                    : java.util.Optional.of(unit);
        });
        assertThat(waiting.getMachineId()).isEmpty();
        assertThat(waiting.getVetoesList())
                .extracting(Veto::getMessage)
                .anySatisfy(message -> assertThat(message).contains("disk=tape", "0 of 3 machines"));

        var tape = cluster.addAgent(AgentSpec.hollow("tape", 1).withMetadata(Map.of("disk", "tape")));
        try {
            var active = Ops.awaitActive(client, List.of("tape.service"));
            assertThat(machine(active, "tape.service"))
                    .isEqualTo(tape.machineIds().getFirst());
            assertThat(Ops.units(client).get("tape.service"))
                    .satisfies(unit -> assertThat(unit.getVetoesList()).isEmpty());
        } finally {
            cluster.remove(tape);
        }
        Await.until("the machine is lost", Ops.SOON, () -> Ops.machines(client).size() == 3);
    }

    @Test
    void unitsOfALostMachineMoveAndItStopsOnlyThoseWhenItIsBack() {
        Cluster cluster = CLUSTER.cluster();
        var client = cluster.client();
        var moving = Ops.names("move", 6);
        Ops.launch(client, moving);
        Ops.create(client, Ops.sleeper("pinned.service", "MachineMetadata=host=h2"));
        var before = Ops.awaitActive(client, moving);
        Ops.awaitActive(client, List.of("pinned.service"));
        var gone = cluster.agents().stream()
                .filter(a -> a.name().equals("a2"))
                .findFirst()
                .orElseThrow();
        var lost = id(cluster, "a2");
        var moved = before.values().stream()
                .filter(state -> state.getMachineId().equals(lost))
                .map(UnitState::getName)
                .toList();
        assertThat(moved).as("least loaded: every machine has some").isNotEmpty();

        // Paused, not killed: a machine in memory ends with its process, this one has its units still when it is back.
        long silent = System.nanoTime();
        gone.daemon().pause();
        try {
            Await.until(
                    "the machine is lost", Ops.SOON, () -> Ops.machines(client).size() == 2);
            Ops.print("agent paused -> machine lost, TTL " + TTL.toMillis() + " ms", Ops.since(silent));
            assertThat(Ops.since(silent)).isGreaterThanOrEqualTo(TTL.minusSeconds(1));
            Await.until("its units run elsewhere", Ops.SOON, () -> {
                var now = Ops.awaitActive(client, moving);
                return now.values().stream()
                        .noneMatch(state -> state.getMachineId().equals(lost));
            });
            Ops.print("agent paused -> its units active elsewhere", Ops.since(silent));
            var now = Ops.awaitActive(client, moving);
            before.forEach((name, state) -> {
                if (!moved.contains(name)) {
                    assertThat(now).as("a unit of another machine stays").containsEntry(name, state);
                }
            });
            assertThat(Ops.units(client).get("pinned.service"))
                    .satisfies(unit -> assertThat(unit.getMachineId()).isEmpty());
        } finally {
            gone.daemon().resume();
        }
        cluster.awaitReady(Ops.SOON);
        Await.until("the machine has what is pinned to it, and nothing that moved", Ops.SOON, () -> {
            var there = Ops.states(client).stream()
                    .filter(state -> state.getMachineId().equals(lost))
                    .map(UnitState::getName)
                    .collect(Collectors.toSet());
            return there.equals(Set.of("pinned.service"));
        });
        assertThat(Ops.awaitActive(client, moving).values())
                .noneMatch(state -> state.getMachineId().equals(lost));
    }

    private static void assertWhere(Set<String> found, String... expected) {
        if (!found.equals(Set.of(expected))) {
            throw new IllegalStateException("on " + found + ", not on " + List.of(expected));
        }
    }

    private static Set<String> machinesWith(Cluster cluster, String unit) {
        return Ops.states(cluster.client()).stream()
                .filter(state ->
                        state.getName().equals(unit) && state.getActiveState().equals("active"))
                .map(UnitState::getMachineId)
                .collect(Collectors.toSet());
    }

    private static String machine(Map<String, UnitState> states, String unit) {
        var state = states.get(unit);
        assertThat(state).as(unit).isNotNull();
        return state.getMachineId();
    }

    private static String id(Cluster cluster, String agent) {
        return cluster.agents().stream()
                .filter(a -> a.name().equals(agent))
                .map(AgentNode::machineIds)
                .findFirst()
                .orElseThrow()
                .getFirst();
    }
}
