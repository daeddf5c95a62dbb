package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What comes all at once: every agent turns to another engine, as leadership moves; and a machine is lost, all of whose units are started
 * elsewhere. Starts a cluster of its own for each.
 */
@Command(name = "storm", description = "All agents reconnect at once; a machine with many units is lost.")
final class StormCommand extends Benchmark {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final String LOST = "lost";

    @Option(names = "--machines", description = "Machines in memory that reconnect (${DEFAULT-VALUE}).")
    int machines = 500;

    @Option(names = "--units", description = "Running units on them (${DEFAULT-VALUE}).")
    int units = 20_000;

    @Option(names = "--lost-units", description = "Units on the machine that is lost (${DEFAULT-VALUE}).")
    int lostUnits = 1_000;

    @Option(
            names = "--others",
            description = "Machines that take these, with as many units each before (${DEFAULT-VALUE}).")
    int others = 9;

    private final Histogram reconnects = Distribution.histogram();
    private final Histogram losses = Distribution.histogram();
    private final Histogram moves = Distribution.histogram();

    StormCommand() {
        super(20, 3);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("machines that reconnect", machines + " in memory, with " + units + " units");
        findings.setting("machine that is lost", "of " + (others + 1) + ", each with " + lostUnits + " units");
        reconnect(findings);
        lose(findings);
    }

    private void reconnect(Findings findings) {
        double[] cpuSeconds = {0, 0};
        try (var cluster = Cluster.start(ClusterOptions.of("bench-storm").with(AgentSpec.hollow("hollow", machines)))) {
            BulkUnits.start(cluster.client(), BulkUnits.names("run", units));
            for (int round = 1; round <= options.warm + options.rounds; round++) {
                var before = epochs(cluster.client());
                double enginesBefore = engines(cluster);
                double agentsBefore = agents(cluster);
                long begin = System.nanoTime();
                cluster.client(cluster.awaitLeader(LIMIT)).transferLeader("");
                Await.until(
                        "all agents are in session with the next leader",
                        LIMIT,
                        () -> epochs(cluster.client()).entrySet().stream()
                                .allMatch(e -> e.getValue() > before.getOrDefault(e.getKey(), 0L)));
                long passed = System.nanoTime() - begin;
                if (round > options.warm) {
                    Distribution.record(reconnects, passed);
                    cpuSeconds[0] += engines(cluster) - enginesBefore;
                    cpuSeconds[1] += agents(cluster) - agentsBefore;
                }
                say("reconnect, round %d of %d: %.0f ms", round, options.warm + options.rounds, passed / 1e6);
            }
        }
        findings.add(Row.of("all agents back, p50", Distribution.millis(reconnects, 50), "ms"));
        findings.add(Row.of("all agents back, worst", reconnects.getMaxValue() / 1e6, "ms"));
        double each = 1e6 / options.rounds / machines;
        findings.add(Row.of("processor time of all engines, a machine that reconnects", cpuSeconds[0] * each, "us"));
        findings.add(Row.of("processor time of its agent", cpuSeconds[1] * each, "us"));
        findings.times("all agents back", reconnects);
    }

    private void lose(Findings findings) throws Exception {
        try (var cluster = Cluster.start(ClusterOptions.of("bench-storm-loss")
                .with(AgentSpec.hollow(LOST, 1))
                .with(AgentSpec.hollow("others", others)))) {
            var meter = ProcessMeter.start(cluster);
            for (int round = 1; round <= options.warm + options.rounds; round++) {
                var names = BulkUnits.names("round" + round + "-", (others + 1) * lostUnits);
                BulkUnits.start(cluster.client(), names);
                lose(cluster, round > options.warm);
                BulkUnits.destroyAll(cluster.client(), names);
                cluster.agents().stream()
                        .filter(agent -> agent.name().equals(LOST))
                        .forEach(AgentNode::start);
                cluster.awaitReady(LIMIT);
                say("loss, round %d of %d", round, options.warm + options.rounds);
            }
            findings.used(meter.used());
        }
        findings.add(Row.of("until the machine counts as lost, p50", Distribution.millis(losses, 50), "ms"));
        findings.add(
                Row.of("from then until its last unit is active elsewhere, p50", Distribution.millis(moves, 50), "ms"));
        findings.add(
                Row.of("from then until its last unit is active elsewhere, worst", moves.getMaxValue() / 1e6, "ms"));
        findings.times("until the machine counts as lost", losses);
        findings.times("from then until its last unit is active elsewhere", moves);
    }

    private void lose(Cluster cluster, boolean counts) throws Exception {
        var client = cluster.client();
        var agent = cluster.agents().stream()
                .filter(each -> each.name().equals(LOST))
                .findFirst()
                .orElseThrow();
        var id = agent.machineIds().getFirst();
        Set<String> left =
                client
                        .listUnitStates(ListUnitStatesRequest.newBuilder()
                                .setMachineId(id)
                                .build())
                        .rows()
                        .stream()
                        .map(UnitState::getName)
                        .collect(Collectors.toCollection(HashSet::new));
        if (left.size() < lostUnits / 2) {
            throw new IllegalStateException("the machine that is to be lost has " + left.size() + " units only");
        }
        var request = WatchRequest.newBuilder()
                .setMachines(true)
                .setUnitStates(true)
                .setAfter(client.listMachines(ListMachinesRequest.getDefaultInstance())
                        .revision())
                .build();
        try (Watch watch = client.watch(request)) {
            long begin = System.nanoTime();
            agent.kill();
            long lost = 0;
            while (lost == 0 || !left.isEmpty()) {
                var frame = watch.next(LIMIT);
                if (frame == null) {
                    throw new IllegalStateException(left.size() + " units of the machine are not active elsewhere");
                }
                for (var event : frame.getEventsList()) {
                    lost = lost == 0 && isLost(event, id) ? System.nanoTime() : lost;
                    var state = event.getUnitState();
                    if (state.getActiveState().equals("active")
                            && !state.getMachineId().equals(id)) {
                        left.remove(state.getName());
                    }
                }
            }
            if (counts) {
                Distribution.record(losses, lost - begin);
                Distribution.record(moves, System.nanoTime() - lost);
            }
        }
    }

    private static boolean isLost(WatchEvent event, String id) {
        return event.getMachine().getId().equals(id)
                && event.getMachine().getPresence() == MachinePresence.MACHINE_PRESENCE_LOST;
    }

    private static double engines(Cluster cluster) {
        return cpu(
                cluster.engines().stream().map(engine -> engine.daemon().pid()).toList());
    }

    private static double agents(Cluster cluster) {
        return cpu(cluster.agents().stream().map(agent -> agent.daemon().pid()).toList());
    }

    private static double cpu(List<Long> pids) {
        return pids.stream().mapToDouble(ProcessMeter::cpuSeconds).sum();
    }

    private static Map<String, Long> epochs(FleetClient client) {
        return client.listMachines(ListMachinesRequest.getDefaultInstance()).rows().stream()
                .collect(Collectors.toMap(Machine::getId, Machine::getSessionEpoch));
    }
}
