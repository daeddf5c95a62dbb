package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts units on machines with a systemd each, in turn through a cluster and by {@code systemctl} alone: the same units, each
 * machine's share of the files in place, one {@code systemctl start} a machine with all names, all machines at once, until that returns.
 * Through the cluster it takes from the first request until the last unit is reported active. Starts a cluster of its own.
 */
@Command(
        name = "systemd-starts",
        mixinStandardHelpOptions = true,
        description = "Starts on real systemd managers, beside those by systemctl alone.")
public final class SystemdStarts implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final int BATCH = 500;
    private static final String TEXT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";

    @Option(names = "--units", description = "Units (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--machines", description = "Machines (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(names = "--turns", description = "Turns, each of both ways; the first one is cold (${DEFAULT-VALUE}).")
    int turns = 4;

    private SystemdStarts() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new SystemdStarts()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        try (var cluster = Cluster.start(
                ClusterOptions.of("systemd-starts").withMachines(machines).withPrivateSockets())) {
            cluster.awaitReady(PATIENCE);
            for (int turn = 1; turn <= turns; turn++) {
                double alone = alone(cluster.agents(), "alone" + turn + "-");
                double through = through(cluster, "through" + turn + "-");
                System.out.printf(
                        Locale.ROOT,
                        "turn %d: %d units by systemctl alone %.2f s, through the cluster %.2f s: %.2f times%n",
                        turn,
                        units,
                        alone,
                        through,
                        through / alone);
            }
        }
        return 0;
    }

    private double alone(List<AgentNode> agents, String prefix) throws IOException, InterruptedException {
        var commands = new ArrayList<List<String>>();
        for (int m = 0; m < agents.size(); m++) {
            var names = new ArrayList<String>();
            for (int i = m; i < units; i += agents.size()) {
                var name = prefix + i + ".service";
                Files.writeString(agents.get(m).machine().unitsDir().resolve(name), TEXT);
                names.add(name);
            }
            var command = new ArrayList<>(List.of("systemctl", "--user", "start", "--"));
            command.addAll(names);
            commands.add(command);
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
        double seconds = (System.nanoTime() - begin) / 1e9;
        for (var agent : agents) {
            var unused = agent.machine().systemctl("stop", prefix + "*");
            try (Stream<Path> files = Files.list(agent.machine().unitsDir())) {
                for (var file : files.filter(
                                path -> path.getFileName().toString().startsWith(prefix))
                        .toList()) {
                    Files.delete(file);
                }
            }
            var unusedToo = agent.machine().systemctl("daemon-reload");
        }
        return seconds;
    }

    private double through(Cluster cluster, String prefix) throws Exception {
        var client = cluster.client();
        var names = new ArrayList<String>();
        var all = new ArrayList<NewUnit>();
        for (int i = 0; i < units; i++) {
            names.add(prefix + i + ".service");
            all.add(NewUnit.newBuilder()
                    .setName(names.getLast())
                    .setText(TEXT)
                    .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                    .build());
        }
        long[] active = new long[units];
        long cpuOfEngines =
                cpu(cluster.engines().stream().map(engine -> engine.daemon()).toList());
        long cpuOfAgents = cpu(cluster.agents().stream().map(AgentNode::daemon).toList());
        long begin;
        try (var watch = client.watch(WatchRequest.newBuilder()
                .setUnitStates(true)
                .addNames(prefix + "*")
                .setAfter(client.listMachines(ListMachinesRequest.getDefaultInstance())
                        .revision())
                .build())) {
            begin = System.nanoTime();
            var submitting = Thread.ofVirtual().start(() -> submit(client, all));
            var left = new HashSet<>(names);
            while (!left.isEmpty()) {
                var frame = watch.next(PATIENCE);
                if (frame == null) {
                    throw new IllegalStateException(left.size() + " units were not active in time");
                }
                for (var event : frame.getEventsList()) {
                    var state = event.getUnitState();
                    if (state.getActiveState().equals("active") && left.remove(state.getName())) {
                        active[units - left.size() - 1] = System.nanoTime() - begin;
                    }
                }
            }
            submitting.join();
        }
        Arrays.sort(active);
        System.out.printf(
                Locale.ROOT,
                "  active: the first after %.0f ms, half after %.0f ms, all after %.0f ms; processor: engines %.1f s, agents %.1f s%n",
                active[0] / 1e6,
                Percentiles.millis(active, 50),
                active[units - 1] / 1e6,
                (cpu(cluster.engines().stream().map(engine -> engine.daemon()).toList()) - cpuOfEngines) / 1e9,
                (cpu(cluster.agents().stream().map(AgentNode::daemon).toList()) - cpuOfAgents) / 1e9);
        for (int from = 0; from < units; from += BATCH) {
            var unused = client.destroyUnits(names.subList(from, Math.min(units, from + BATCH)));
        }
        Await.until(
                "the machines have nothing left",
                PATIENCE,
                () -> client.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                        .rows()
                        .isEmpty());
        return active[units - 1] / 1e9;
    }

    private static void submit(FleetClient client, List<NewUnit> all) {
        for (int from = 0; from < all.size(); from += BATCH) {
            for (var result : client.createUnits(all.subList(from, Math.min(all.size(), from + BATCH)), false)
                    .results()) {
                if (result.getCode() != ItemCode.ITEM_CODE_OK) {
                    throw new IllegalStateException("a start was answered " + result);
                }
            }
        }
    }

    private static long cpu(List<Daemon> daemons) {
        return daemons.stream()
                .mapToLong(daemon -> ProcessHandle.of(daemon.pid())
                        .flatMap(process -> process.info().totalCpuDuration())
                        .map(Duration::toNanos)
                        .orElse(0L))
                .sum();
    }
}
