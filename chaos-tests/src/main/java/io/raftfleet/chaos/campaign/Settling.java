package io.raftfleet.chaos.campaign;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Waits until a cluster without traffic and faults is quiet, and notes what it and its machines say then. */
final class Settling {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Duration STEADY_LIMIT = Duration.ofSeconds(60);
    private static final long QUIET_MS = 1_500;

    private final Cluster cluster;
    private final Recorder recorder;
    private final Supplier<Map<String, Map<String, Running>>> inMemory;

    /** @param inMemory what runs on machines in memory, by machine and unit */
    Settling(Cluster cluster, Recorder recorder, Supplier<Map<String, Map<String, Running>>> inMemory) {
        this.cluster = cluster;
        this.recorder = recorder;
        this.inMemory = inMemory;
    }

    /** Whether the cluster came back. */
    boolean settle() {
        try {
            cluster.awaitReady(LIMIT);
            cluster.awaitEqual(LIMIT);
            var unused = awaitSame();
            recorder.add(new Event.Settled(recorder.now(), true, ""));
            return true;
        } catch (NotInTimeException | AssertionError e) {
            recorder.add(new Event.Settled(recorder.now(), false, String.valueOf(e.getMessage())));
            return false;
        }
    }

    /** The states, once they stay as they are for a while. */
    private List<Running> awaitSame() {
        var last = new ArrayList<List<Running>>();
        return Await.get("the states of units stay as they are", STEADY_LIMIT, () -> {
            var now = reported();
            boolean same = !last.isEmpty() && last.getFirst().equals(now);
            last.clear();
            last.add(now);
            pause();
            return same && reported().equals(now) ? Optional.of(now) : Optional.empty();
        });
    }

    private static void pause() {
        try {
            TimeUnit.MILLISECONDS.sleep(QUIET_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the cluster settles", e);
        }
    }

    /** Notes what the cluster says and what the machines say, and what each engine's registry is. */
    void note() {
        try {
            recorder.add(new Event.Reported(recorder.now(), reported()));
        } catch (FleetClientException | StatusRuntimeException e) {
            recorder.add(new Event.Settled(recorder.now(), false, "no list of states: " + e.getMessage()));
            return;
        }
        var memory = inMemory.get();
        for (var agent : cluster.agents()) {
            for (var machine : agent.machineIds()) {
                var units = agent.hollow()
                        ? List.copyOf(memory.getOrDefault(machine, Map.of()).values())
                        : managed(agent, machine);
                recorder.add(new Event.Managed(recorder.now(), machine, units));
            }
        }
    }

    private List<Running> reported() {
        return cluster.client().listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows().stream()
                .map(s -> new Running(s.getName(), s.getMachineId(), s.getActiveState(), s.getMainPid()))
                .toList();
    }

    private static List<Running> managed(AgentNode agent, String machine) {
        var names = agent.machine()
                .systemctl("list-units", "--type=service", "--all", "--plain", "--no-legend", "--full")
                .lines()
                .map(line -> line.strip().split("\\s+", 2)[0])
                .filter(UnitObserver::isOurs)
                .toList();
        if (names.isEmpty()) {
            return List.of();
        }
        var active = agent.machine().property("ActiveState", names);
        var pids = agent.machine().property("MainPID", names);
        var found = new HashMap<String, Running>();
        active.forEach((unit, state) ->
                found.put(unit, new Running(unit, machine, state, Long.parseLong(pids.getOrDefault(unit, "0")))));
        return List.copyOf(found.values());
    }
}
