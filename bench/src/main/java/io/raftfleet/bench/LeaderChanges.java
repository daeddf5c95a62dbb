package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.WriteOutcome;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Takes the leader away, round after round, and measures how long it takes until the first write succeeds and until all
 * agents are in session with the new leader, and whether any unit state or main process changed. Starts a cluster of its
 * own. Between two rounds the engine that was taken away is back and has the others' registry.
 *
 * <p>A write is retried by the client as by any other, through the engines that are left. Each engine
 * leads before the first round, and each round warms the engine that came back, since no leader of a running cluster is seconds old.
 */
@Command(
        name = "leader-changes",
        mixinStandardHelpOptions = true,
        description = "How long a leader change is felt, and what it loses.")
public final class LeaderChanges implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration GAP_BUDGET = Duration.ofMillis(100);
    private static final int BATCH = 500;
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

    @Option(names = "--rounds", description = "How many (${DEFAULT-VALUE}).")
    int rounds = 500;

    @Option(names = "--units", description = "Running units (${DEFAULT-VALUE}).")
    int units = 1000;

    @Option(names = "--machines", description = "Machines, each with a session (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(names = "--systemd", description = "Machines with a real systemd each, where this host can run them.")
    boolean systemd;

    @Option(names = "--fault", description = "${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
    Fault fault = Fault.KILL;

    @Option(names = "--warm", description = "Writes a round through the engine that came back (${DEFAULT-VALUE}).")
    int warm = 200;

    @Option(
            names = "--election",
            split = "-",
            paramLabel = "MIN-MAX",
            defaultValue = "500-1000",
            description = "Election timeout in milliseconds (${DEFAULT-VALUE}, as an engine has it by itself).")
    List<Integer> election = List.of();

    private final List<Long> writes = new ArrayList<>();
    private final List<Long> gaps = new ArrayList<>();
    private final List<Long> reconnects = new ArrayList<>();
    private Duration cpu = Duration.ZERO;
    private int statesLost;
    private int processesChanged;
    private int writesFailed;

    public static void main(String[] args) {
        System.exit(new CommandLine(new LeaderChanges())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() {
        try (var cluster = Cluster.start(options())) {
            launch(cluster.client());
            cluster.engines().forEach(engine -> lead(cluster, engine));
            for (int round = 1; round <= rounds; round++) {
                try {
                    round(cluster);
                } catch (NotInTimeException e) {
                    System.out.println("round " + round + ": " + e.getMessage() + "\n" + cluster.logTails());
                    throw e;
                }
                if (round % 10 == 0 || round == rounds) {
                    System.out.println(report(round));
                }
            }
        }
        return statesLost + processesChanged + writesFailed == 0 ? 0 : 1;
    }

    private ClusterOptions options() {
        var options = ClusterOptions.of("leader-changes")
                .withElection(Duration.ofMillis(election.getFirst()), Duration.ofMillis(election.getLast()));
        return systemd ? options.withMachines(machines) : options.with(AgentSpec.hollow("hollow", machines));
    }

    private void launch(FleetClient client) {
        var all = IntStream.rangeClosed(1, units)
                .mapToObj(i -> unit(STEADY + i + ".service", TargetState.TARGET_STATE_LAUNCHED))
                .toList();
        for (int from = 0; from < all.size(); from += BATCH) {
            requireOk(client.createUnits(all.subList(from, Math.min(from + BATCH, all.size())), false));
        }
        Await.until(
                units + " units are active",
                Duration.ofMinutes(5),
                () -> states(client).values().stream()
                                .filter(state -> state.getActiveState().equals("active"))
                                .count()
                        == units);
    }

    private void round(Cluster cluster) {
        var leader = cluster.awaitLeader(LIMIT);
        var left = cluster.followersOf(leader);
        var others = cluster.client(left);
        var before = states(others);
        var epochs = epochs(others);
        var cpuBefore = cpu(left);

        long start;
        if (fault.inOrder()) {
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
            gaps.add(traffic.longest());
            writesFailed += traffic.failures().size();
        } else {
            start = System.nanoTime();
            take(cluster, leader);
            requireOk(others.createUnits(List.of(unit("probe.service", TargetState.TARGET_STATE_INACTIVE)), false));
            writes.add(System.nanoTime() - start);
            requireOk(others.destroyUnits(List.of("probe.service")));
        }
        Await.until(
                "all agents are in session with the next leader",
                LIMIT,
                () -> epochs(others).entrySet().stream()
                        .allMatch(e -> e.getValue() > epochs.getOrDefault(e.getKey(), 0L)));
        reconnects.add(System.nanoTime() - start);
        cpu = cpu.plus(cpu(left).minus(cpuBefore));
        compare(before, states(others));

        bringBack(leader);
        cluster.awaitReady(LIMIT);
        Await.get("the engine that came back has the registry", LIMIT, () -> {
            cluster.awaitEqual(LIMIT);
            return Optional.of(true);
        });
        if (fault == Fault.STOP) {
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
        switch (fault) {
            case KILL -> leader.daemon().kill();
            case PAUSE -> leader.daemon().pause();
            case STOP -> leader.daemon().terminate();
            case TRANSFER -> cluster.client(leader).transferLeader("");
        }
    }

    private void bringBack(EngineNode leader) {
        if (fault == Fault.PAUSE) {
            leader.daemon().resume();
        } else if (fault != Fault.TRANSFER) {
            var unused = leader.daemon().awaitExit(LIMIT);
            leader.start();
        }
    }

    private void warm(Cluster cluster, EngineNode engine) {
        var client = cluster.client(engine);
        for (int i = 0; i < warm; i += 2) {
            requireOk(client.createUnits(List.of(unit("warm.service", TargetState.TARGET_STATE_LAUNCHED)), false));
            requireOk(client.destroyUnits(List.of("warm.service")));
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

    private String report(int round) {
        return "%d rounds of %s, %d units, %d machines: first write %s; longest gap between writes %s, %d of them longer than %d ms, writes failed %d; all agents back %s; CPU of the engines left until then, writes included, %d us a machine; states lost %d, processes changed %d"
                .formatted(
                        round,
                        fault,
                        units,
                        machines,
                        Percentiles.summary(writes),
                        Percentiles.summary(gaps),
                        gaps.stream().filter(gap -> gap > GAP_BUDGET.toNanos()).count(),
                        GAP_BUDGET.toMillis(),
                        writesFailed,
                        Percentiles.summary(reconnects),
                        cpu.dividedBy((long) round * machines).toNanos() / 1_000,
                        statesLost,
                        processesChanged);
    }

    private static Duration cpu(List<EngineNode> engines) {
        return engines.stream()
                .map(engine -> ProcessHandle.of(engine.daemon().pid())
                        .flatMap(process -> process.info().totalCpuDuration())
                        .orElseThrow())
                .reduce(Duration.ZERO, Duration::plus);
    }

    private static NewUnit unit(String name, TargetState target) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText("[Service]\nExecStart=/bin/sleep 100000\n")
                .setTargetState(target)
                .build();
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

    private static void requireOk(WriteOutcome outcome) {
        for (var result : outcome.results()) {
            if (result.getCode() != ItemCode.ITEM_CODE_OK) {
                throw new IllegalStateException("a write was answered " + result);
            }
        }
    }
}
