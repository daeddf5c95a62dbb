package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * Takes the leader away, round after round, and measures how long it takes until the first write succeeds and until all
 * agents are in session with the new leader, and whether any unit state or main process changed. Starts a cluster of its
 * own. Between two rounds the engine that was taken away is back and has the others' registry.
 *
 * <p>A write is retried by the client as by any other, through the engines that are left. Each engine
 * leads before the first round, and each round warms the engine that came back, since no leader of a running cluster is seconds old.
 */
final class LeaderChanges {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final double GAP_LIMIT_MS = 100;
    private static final double P50_LIMIT_MS = 400;
    private static final double P99_LIMIT_MS = 1000;
    private static final String STEADY = "run";

    /** How the leader goes. */
    enum Fault {
        /** SIGKILL. */
        KILL,
        /** SIGSTOP, with all its connections open; it goes on when the round is over. */
        PAUSE,
        /** SIGTERM, on which it hands over. */
        STOP,
        /** Told to hand over, and runs on. */
        TRANSFER;

        boolean inOrder() {
            return this == STOP || this == TRANSFER;
        }
    }

    /**
     * @param units that run
     * @param machines with a session each
     * @param systemd whether these have a real systemd each, where this host can run them
     * @param warmWrites a round, through the engine that came back
     * @param electionMin of the election timeout
     * @param electionMax of it, too
     */
    record Settings(
            Fault fault,
            int units,
            int machines,
            boolean systemd,
            int warmWrites,
            Duration electionMin,
            Duration electionMax) {}

    private final Settings settings;
    private final Histogram writes = Distribution.histogram();
    private final Histogram gaps = Distribution.histogram();
    private final Histogram reconnects = Distribution.histogram();
    private double cpuSeconds;
    private int statesLost;
    private int processesChanged;
    private int writesFailed;

    LeaderChanges(Settings settings) {
        this.settings = settings;
    }

    /** Runs on a cluster of its own; the rounds that only warm it are not in the findings. */
    void run(int warmRounds, int rounds, Findings findings) {
        try (var cluster = Cluster.start(options())) {
            BulkUnits.start(cluster.client(), BulkUnits.names(STEADY, settings.units()));
            cluster.engines().forEach(engine -> lead(cluster, engine));
            var meter = ProcessMeter.start(cluster);
            for (int round = 1; round <= warmRounds + rounds; round++) {
                if (round == warmRounds + 1) {
                    forget();
                    meter = ProcessMeter.start(cluster);
                }
                try {
                    round(cluster);
                } catch (NotInTimeException e) {
                    throw new IllegalStateException(
                            "round " + round + ": " + e.getMessage() + "\n" + cluster.logTails(), e);
                }
                Benchmark.say("round %d of %d", round, warmRounds + rounds);
            }
            findings.used(meter.used()); // Of an engine that was killed since it came back last.
        }
        report(rounds, findings);
    }

    private void forget() {
        writes.reset();
        gaps.reset();
        reconnects.reset();
        cpuSeconds = 0;
        writesFailed = 0;
        // What is lost is lost, in whichever round.
    }

    private ClusterOptions options() {
        var options =
                ClusterOptions.of("bench-leader-changes").withElection(settings.electionMin(), settings.electionMax());
        return settings.systemd()
                ? options.withMachines(settings.machines())
                : options.with(AgentSpec.hollow("hollow", settings.machines()));
    }

    private void round(Cluster cluster) {
        var leader = cluster.awaitLeader(LIMIT);
        var left = cluster.followersOf(leader);
        var others = cluster.client(left);
        var before = states(others);
        var epochs = epochs(others);
        double cpuBefore = cpu(left);

        long start;
        if (settings.fault().inOrder()) {
            var clients = left.stream().map(cluster::client).toList();
            var traffic = new WriteGaps(clients);
            try (traffic) {
                traffic.awaitMore();
                start = System.nanoTime();
                take(cluster, leader);
                traffic.awaitMore();
                cluster.awaitLeader(LIMIT);
                traffic.awaitMore();
            }
            Distribution.record(gaps, traffic.longest());
            writesFailed += traffic.failures().size();
        } else {
            start = System.nanoTime();
            take(cluster, leader);
            BulkUnits.requireOk(others.createUnits(
                    List.of(BulkUnits.unit("probe.service", BulkUnits.SLEEP, TargetState.TARGET_STATE_INACTIVE)),
                    false));
            Distribution.record(writes, System.nanoTime() - start);
            BulkUnits.requireOk(others.destroyUnits(List.of("probe.service")));
        }
        Await.until(
                "all agents are in session with the next leader",
                LIMIT,
                () -> epochs(others).entrySet().stream()
                        .allMatch(e -> e.getValue() > epochs.getOrDefault(e.getKey(), 0L)));
        Distribution.record(reconnects, System.nanoTime() - start);
        cpuSeconds += cpu(left) - cpuBefore;
        compare(before, states(others));

        bringBack(leader);
        cluster.awaitReady(LIMIT);
        Await.get("the engine that came back has the registry", LIMIT, () -> {
            cluster.awaitEqual(LIMIT);
            return Optional.of(true);
        });
        if (settings.fault() == Fault.STOP) {
            lead(cluster, leader);
        } else {
            warm(cluster, leader);
        }
    }

    /** An engine leads for a while: one that runs for days has led before. */
    private void lead(Cluster cluster, EngineNode engine) {
        if (!cluster.awaitLeader(LIMIT).id().equals(engine.id())) {
            cluster.client().transferLeader(engine.id());
        }
        warm(cluster, engine);
    }

    private void take(Cluster cluster, EngineNode leader) {
        switch (settings.fault()) {
            case KILL -> leader.daemon().kill();
            case PAUSE -> leader.daemon().pause();
            case STOP -> leader.daemon().terminate();
            case TRANSFER -> cluster.client(leader).transferLeader("");
        }
    }

    private void bringBack(EngineNode leader) {
        if (settings.fault() == Fault.PAUSE) {
            leader.daemon().resume();
        } else if (settings.fault() != Fault.TRANSFER) {
            var unused = leader.daemon().awaitExit(LIMIT);
            leader.start();
        }
    }

    private void warm(Cluster cluster, EngineNode engine) {
        var client = cluster.client(engine);
        for (int i = 0; i < settings.warmWrites(); i += 2) {
            BulkUnits.requireOk(client.createUnits(
                    List.of(BulkUnits.unit("warm.service", BulkUnits.SLEEP, TargetState.TARGET_STATE_LAUNCHED)),
                    false));
            BulkUnits.requireOk(client.destroyUnits(List.of("warm.service")));
        }
        Await.until(
                "the machines have stopped what warmed the engine",
                LIMIT,
                () -> !states(client).containsKey("warm.service"));
    }

    private void compare(Map<String, UnitState> before, Map<String, UnitState> after) {
        before.forEach((name, state) -> {
            if (!name.startsWith(STEADY)) {
                return; // what warmed an engine may still be on its way out
            }
            var now = after.get(name);
            if (now == null || !now.getActiveState().equals(state.getActiveState())) {
                statesLost++;
                System.out.println("lost: " + text(state) + "; now: " + (now == null ? "none" : text(now)));
            } else if (now.getMainPid() != state.getMainPid()) {
                processesChanged++;
                System.out.println("changed: " + text(state) + "; now: " + text(now));
            }
        });
    }

    private static String text(UnitState state) {
        return state.getName() + " " + state.getActiveState() + "/" + state.getSubState() + " pid " + state.getMainPid()
                + " on " + state.getMachineId();
    }

    private void report(int rounds, Findings findings) {
        if (settings.fault().inOrder()) {
            findings.add(
                    Row.atMost("longest gap between writes, p50", Distribution.millis(gaps, 50), "ms", GAP_LIMIT_MS));
            findings.add(Row.atMost("longest gap between writes, worst", gaps.getMaxValue() / 1e6, "ms", GAP_LIMIT_MS));
            findings.add(Row.atMost("writes failed", writesFailed, "", 0));
        } else {
            // A pause is noticed after the time of an election at most; a killed process at once.
            double detection =
                    settings.fault() == Fault.PAUSE ? settings.electionMax().toMillis() : 0;
            findings.add(
                    Row.atMost("first write, p50", Distribution.millis(writes, 50), "ms", P50_LIMIT_MS + detection));
            findings.add(
                    Row.atMost("first write, p99", Distribution.millis(writes, 99), "ms", P99_LIMIT_MS + detection));
        }
        findings.add(Row.of("all agents back, p50", Distribution.millis(reconnects, 50), "ms"));
        findings.add(Row.of("all agents back, p99", Distribution.millis(reconnects, 99), "ms"));
        findings.add(Row.of(
                "processor time of the engines left until then, a machine",
                cpuSeconds * 1000 / rounds / settings.machines(),
                "ms"));
        findings.add(Row.atMost("unit states lost", statesLost, "", 0));
        findings.add(Row.atMost("main processes changed", processesChanged, "", 0));
        findings.times("longest gap between writes", gaps);
        findings.times("first write", writes);
        findings.times("all agents back", reconnects);
    }

    private static double cpu(List<EngineNode> engines) {
        return engines.stream()
                .mapToDouble(engine -> ProcessMeter.cpuSeconds(engine.daemon().pid()))
                .sum();
    }

    private static Map<String, UnitState> states(FleetClient client) {
        var states = new HashMap<String, UnitState>();
        client.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                .rows()
                .forEach(state -> states.put(state.getName(), state));
        return states;
    }

    private static Map<String, Long> epochs(FleetClient client) {
        return client.listMachines(ListMachinesRequest.getDefaultInstance()).rows().stream()
                .collect(Collectors.toMap(Machine::getId, Machine::getSessionEpoch));
    }
}
