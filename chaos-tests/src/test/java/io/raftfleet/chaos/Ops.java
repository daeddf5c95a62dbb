package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.WriteOutcome;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What most tests do with a cluster. */
final class Ops {
    /** For whatever should take a moment and may take longer on a busy machine. */
    static final Duration SOON = Duration.ofSeconds(30);

    private Ops() {}

    /** A unit that runs until it is stopped. */
    static NewUnit sleeper(String name, String... fleetOptions) {
        var text = "[Service]\nExecStart=/bin/sleep 100000\n";
        return unit(
                name,
                fleetOptions.length == 0 ? text : text + "\n[X-Fleet]\n" + String.join("\n", fleetOptions) + "\n");
    }

    /** A unit to be launched. */
    static NewUnit unit(String name, String text) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText(text)
                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                .build();
    }

    /** {@code prefix1.service}, {@code prefix2.service}, … */
    static List<String> names(String prefix, int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(i -> prefix + i + ".service")
                .toList();
    }

    static void create(FleetClient client, NewUnit... units) {
        requireOk(client.createUnits(List.of(units), false));
    }

    static void launch(FleetClient client, Collection<String> names) {
        requireOk(client.createUnits(names.stream().map(name -> sleeper(name)).toList(), false));
    }

    static void requireOk(WriteOutcome outcome) {
        assertThat(outcome.results()).extracting(ItemResult::getCode).containsOnly(ItemCode.ITEM_CODE_OK);
    }

    /** All states; a unit that several machines have is there once for each. */
    static List<UnitState> states(FleetClient client) {
        return client.listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows();
    }

    static Map<String, Unit> units(FleetClient client) {
        var request = ListUnitsRequest.newBuilder().setWithVetoes(true).build();
        return client.listUnits(request).rows().stream().collect(Collectors.toMap(Unit::getName, Function.identity()));
    }

    static List<Machine> machines(FleetClient client) {
        return client.listMachines(ListMachinesRequest.getDefaultInstance()).rows();
    }

    /** How many sessions each machine has opened. */
    static Map<String, Long> epochs(FleetClient client) {
        return machines(client).stream().collect(Collectors.toMap(Machine::getId, Machine::getSessionEpoch));
    }

    /** Waits until these units, none of them global, are active on one machine each; their states by name. */
    static Map<String, UnitState> awaitActive(FleetClient client, Collection<String> names) {
        return Await.get(names.size() + " units are active", SOON, () -> {
            var active = new HashMap<String, UnitState>();
            for (var state : states(client)) {
                if (names.contains(state.getName()) && state.getActiveState().equals("active")) {
                    active.put(state.getName(), state);
                }
            }
            if (active.size() < names.size()) {
                var missing = new ArrayList<>(names);
                missing.removeAll(active.keySet());
                throw new IllegalStateException("not active: " + missing + " of states " + states(client));
            }
            return Optional.of(active);
        });
    }

    /** The main process of each unit. */
    static Map<String, Integer> pids(Collection<UnitState> states) {
        return states.stream().collect(Collectors.toMap(UnitState::getName, UnitState::getMainPid));
    }

    /**
     * The main process of each unit and when it started, as each machine's manager itself has it. Of machines in memory,
     * which have no such manager, what they report.
     */
    static Map<String, String> processes(Cluster cluster, Map<String, UnitState> states) {
        var processes = new HashMap<String, String>();
        var byMachine = states.values().stream().collect(Collectors.groupingBy(UnitState::getMachineId));
        byMachine.forEach((id, onMachine) -> {
            var agent = cluster.agentOf(id);
            if (agent.spec().hollowMachines() > 0) {
                pids(onMachine).forEach((name, pid) -> processes.put(name, id + " " + pid));
                return;
            }
            var names = onMachine.stream().map(UnitState::getName).toList();
            var pids = agent.machine().property("MainPID", names);
            var starts = agent.machine().property("ExecMainStartTimestampMonotonic", names);
            names.forEach(name -> processes.put(name, id + " " + pids.get(name) + " " + starts.get(name)));
        });
        return processes;
    }

    /** Removes all units, and waits until no machine has any of them. */
    static void destroyAll(Cluster cluster) {
        var client = cluster.client();
        var names = List.copyOf(units(client).keySet());
        client.destroyUnits(names);
        Await.until("all units are gone from the machines", SOON, () -> {
            var left = states(client);
            if (!left.isEmpty()) {
                throw new IllegalStateException("left: " + left);
            }
            return units(client).isEmpty();
        });
    }

    /** Runs fleetctl as its users do; what it printed. Fails with that when its exit code is not 0. */
    static String fleetctl(Cluster cluster, String... arguments) {
        var endpoints = cluster.engines().stream()
                .map(engine -> engine.addresses().grpc())
                .collect(Collectors.joining(","));
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                "io.raftfleet.fleetctl.Main",
                "--endpoint",
                endpoints));
        command.addAll(List.of(arguments));
        return Commands.run(command);
    }

    /** A measurement for whoever reads the tests' output. */
    static void print(String what, Duration measured) {
        System.out.println("[figure] " + what + ": " + measured.toMillis() + " ms");
    }

    static Duration since(long nanos) {
        return Duration.ofNanos(System.nanoTime() - nanos);
    }
}
