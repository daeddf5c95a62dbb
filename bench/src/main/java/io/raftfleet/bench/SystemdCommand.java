package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.WatchRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts units on machines with a systemd each, in turn through a cluster and by {@code systemctl} alone: the same units, each
 * machine's share of the files in place, one {@code systemctl start} a machine with all names, all machines at once, until that returns.
 * Through the cluster it takes from the first request until the last unit is reported active. Starts a cluster of its own.
 */
@Command(name = "systemd", description = "Starts on real systemd managers, beside those by systemctl alone.")
final class SystemdCommand extends Benchmark {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final double MOST_TIMES = 1.15;
    private static final String ALONE = "systemctl start alone";
    private static final String THROUGH = "through the cluster";

    @Option(names = "--units", description = "Units (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--machines", description = "Machines (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(
            names = "--chains",
            description = "Units in chains of three to five on one machine, each bound to the one before.")
    boolean chains;

    private final Medians seconds = new Medians();
    private final Histogram active = Distribution.histogram();
    /** Of the first machine, in the round that is under way. */
    private final Map<String, MachineTimeline> timelines = new TreeMap<>();

    /** Whether the first machine's systemd is asked when its units began: that takes it seconds, so not in a round that counts. */
    private boolean asks;

    SystemdCommand() {
        super(5, 1);
    }

    @Override
    void measure(Findings findings) throws Exception {
        var obstacle = Cluster.systemdObstacle();
        if (!obstacle.isEmpty()) {
            throw new IllegalStateException("no systemd managers on this host: " + obstacle);
        }
        findings.setting("units", units + (chains ? " in chains of 3 to 5" : ""));
        findings.setting("machines", machines + " with systemd");
        try (var cluster = Cluster.start(
                ClusterOptions.of("bench-systemd").withMachines(machines).withPrivateSockets())) {
            for (int round = 1; round <= options.warm; round++) {
                round(cluster, "warm" + round, false);
            }
            var meter = ProcessMeter.start(cluster);
            for (int round = 1; round <= options.rounds; round++) {
                round(cluster, "round" + round, true);
            }
            findings.used(meter.used());
            asks = true;
            double unused = through(cluster, "timeline-through-", false);
            double unusedToo = alone(cluster.agents(), "timeline-alone-");
        }
        var what = units + (chains ? " units in chains" : " units") + ", all active, median";
        findings.add(Row.beside(what, seconds.of(THROUGH), "s", ALONE, seconds.of(ALONE), MOST_TIMES));
        findings.times("from the first request to active", active);
        timelines.forEach((how, timeline) -> timeline.addTo(findings, how));
    }

    private void round(Cluster cluster, String round, boolean counts) throws Exception {
        double alone = alone(cluster.agents(), round + "-alone-");
        double through = through(cluster, round + "-through-", counts);
        say("%s: alone %.2f s, through the cluster %.2f s: %.2f times", round, alone, through, through / alone);
        if (counts) {
            seconds.add(ALONE, alone);
            seconds.add(THROUGH, through);
        }
    }

    private List<List<NewUnit>> workload(String prefix) {
        return chains ? Chains.chained(prefix, units) : Chains.single(prefix, units);
    }

    private double alone(List<AgentNode> agents, String prefix) throws IOException, InterruptedException {
        var commands = new ArrayList<List<String>>();
        for (int m = 0; m < agents.size(); m++) {
            commands.add(new ArrayList<>(List.of("systemctl", "--user", "start", "--")));
        }
        int next = 0;
        for (var chain : workload(prefix)) {
            int m = next++ % agents.size();
            for (var unit : chain) {
                Files.writeString(agents.get(m).machine().unitsDir().resolve(unit.getName()), unit.getText());
                commands.get(m).add(unit.getName());
            }
        }
        long begin = System.nanoTime();
        var running = new ArrayList<Process>();
        for (int m = 0; m < agents.size(); m++) {
            running.add(agents.get(m).machine().start(commands.get(m).toArray(String[]::new)));
        }
        for (var process : running) {
            if (process.waitFor() != 0) {
                throw new IllegalStateException("systemctl start ended with " + process.exitValue());
            }
        }
        double passed = (System.nanoTime() - begin) / 1e9;
        note(ALONE, agents, started(commands.getFirst()), begin);
        for (var agent : agents) {
            remove(agent, prefix);
        }
        return passed;
    }

    private void note(String how, List<AgentNode> agents, List<String> units, long begin) {
        if (asks) {
            timelines.put(how, MachineTimeline.of(agents.getFirst().machine(), units, begin));
        }
    }

    private static List<String> started(List<String> command) {
        return command.subList(command.indexOf("--") + 1, command.size());
    }

    private static void remove(AgentNode agent, String prefix) throws IOException {
        var unused = agent.machine().systemctl("stop", prefix + "*");
        try (Stream<Path> files = Files.list(agent.machine().unitsDir())) {
            for (var file : files.filter(path -> path.getFileName().toString().startsWith(prefix))
                    .toList()) {
                Files.delete(file);
            }
        }
        var unusedToo = agent.machine().systemctl("daemon-reload");
    }

    private double through(Cluster cluster, String prefix, boolean counts) throws Exception {
        var client = cluster.client();
        var all = workload(prefix).stream().flatMap(Collection::stream).toList();
        var names = all.stream().map(NewUnit::getName).toList();
        long last = 0;
        long begin;
        try (var submitters = Executors.newVirtualThreadPerTaskExecutor();
                var watch = client.watch(WatchRequest.newBuilder()
                        .setUnitStates(true)
                        .addNames(prefix + "*")
                        .setAfter(client.listMachines(ListMachinesRequest.getDefaultInstance())
                                .revision())
                        .build())) {
            begin = System.nanoTime();
            var submitting = CompletableFuture.runAsync(() -> BulkUnits.create(client, all), submitters);
            var left = new HashSet<>(names);
            while (!left.isEmpty()) {
                var frame = watch.next(PATIENCE);
                if (frame == null) {
                    throw new IllegalStateException(left.size() + " units were not active in time");
                }
                for (var event : frame.getEventsList()) {
                    var state = event.getUnitState();
                    if (state.getActiveState().equals("active") && left.remove(state.getName())) {
                        last = System.nanoTime() - begin;
                        if (counts) {
                            Distribution.record(active, last);
                        }
                    }
                }
            }
            submitting.join();
        }
        note(THROUGH, cluster.agents(), names, begin);
        BulkUnits.destroyAll(client, names);
        return last / 1e9;
    }
}
