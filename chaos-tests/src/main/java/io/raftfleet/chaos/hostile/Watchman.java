package io.raftfleet.chaos.hostile;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Looks several times a second whether the leader is the same, all engines run, and all honest machines are present. */
final class Watchman implements AutoCloseable {
    static final String LEADER = "leadership does not change, and no engine ends";
    static final String MACHINES = "no honest machine is lost";

    private static final long EVERY_MS = 250;
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private final Cluster cluster;
    private final Supplier<String> attack;
    private final long origin = System.nanoTime();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final List<Violation> leaders = new ArrayList<>();
    private final List<Violation> machines = new ArrayList<>();
    private final Set<String> told = new HashSet<>();
    private long term;
    private long looks;
    private long views;

    Watchman(Cluster cluster, EngineNode leader, Supplier<String> attack) {
        this.cluster = cluster;
        this.attack = attack;
        this.term = leader.status(LIMIT).getTerm();
        var unused = timer.scheduleWithFixedDelay(this::look, 0, EVERY_MS, TimeUnit.MILLISECONDS);
    }

    private synchronized void look() {
        for (var engine : cluster.engines()) {
            if (!engine.daemon().running()) {
                if (told.add(engine.id())) {
                    leaders.add(violation(
                            engine.id() + " has ended: " + engine.daemon().tail(5)));
                }
                continue;
            }
            try {
                long now = engine.status(LIMIT).getTerm();
                looks++;
                if (now > term) {
                    leaders.add(violation("term " + term + " became " + now + ", as " + engine.id() + " says"));
                    term = now;
                }
            } catch (StatusRuntimeException e) {
                // Slow, which bystanders notice when it matters.
            }
        }
        try {
            var present = cluster.client().listMachines(ListMachinesRequest.getDefaultInstance()).rows().stream()
                    .map(Machine::getId)
                    .collect(Collectors.toSet());
            views++;
            var missing = cluster.agents().stream()
                    .flatMap(agent -> agent.machineIds().stream())
                    .filter(id -> !present.contains(id) && told.add(id))
                    .toList();
            if (!missing.isEmpty()) {
                machines.add(violation("lost " + missing));
            }
        } catch (FleetClientException e) {
            // The same.
        }
    }

    private Violation violation(String what) {
        return new Violation("during " + attack.get() + ": " + what, System.nanoTime() - origin, List.of());
    }

    synchronized List<Finding> findings() {
        return List.of(new Finding(LEADER, looks, "", leaders), new Finding(MACHINES, views, "", machines));
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
