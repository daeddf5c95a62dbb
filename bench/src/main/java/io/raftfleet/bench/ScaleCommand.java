package io.raftfleet.bench;

import io.raftfleet.bench.process.LiveHeap;
import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * One cluster that grows: what the units of each size cost in bulk, and there one more start, a look at one unit, and a killed leader; in the end,
 * what a unit takes of a heap.
 * All is compared with the smallest size. Starts a cluster of its own.
 */
@Command(name = "scale", description = "Whether costs stay the same from 3,000 units to 1,000,000.")
final class ScaleCommand extends Benchmark {
    private static final List<Integer> SIZES = List.of(3_000, 20_000, 100_000, 1_000_000);
    private static final double MOST_TIMES = 1.5;
    private static final double PAUSE_LIMIT_MS = 50;
    private static final double HEAP_LIMIT_KIB = 1;
    /** With fewer units what an engine takes without any is too large a part. */
    private static final int ENOUGH_FOR_HEAP = 100_000;

    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int CLIENTS = 8;
    private static final String UNIT_COST = "a unit in bulk";
    private static final String ONE_START = "one more start, median";
    private static final String ONE_LOOK = "the state of one unit, median";
    private static final String LEADER = "leader killed, first write, median";

    @Option(names = "--most", description = "The largest size (${DEFAULT-VALUE}).")
    int most = 100_000;

    @Option(
            names = "--smallest",
            description = "Where it begins, and what the others are compared with (${DEFAULT-VALUE}).")
    int smallest = 3_000;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 500;

    @Option(names = "--kills", description = "Leaders killed at each size (${DEFAULT-VALUE}).")
    int kills = 3;

    private final Medians figures = new Medians();

    ScaleCommand() {
        super(50, 2);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("machines", machines + " in memory");
        findings.setting("leaders killed at each size", kills);
        var sizes = sizes(smallest, most);
        try (var cluster = Cluster.start(ClusterOptions.of("bench-scale").with(AgentSpec.hollow("hollow", machines)))) {
            for (int i = 1; i <= options.warm; i++) {
                BulkUnits.destroyAll(
                        cluster.client(),
                        bulk(cluster).run("warm" + i + "-", smallest).names());
            }
            var meter = ProcessMeter.start(cluster);
            int running = 0;
            long changes = 0;
            for (int size : sizes) {
                long term = term(cluster);
                var result = bulk(cluster).run("to" + size + "-", size - running);
                changes += term(cluster) - term;
                figures.add(UNIT_COST + at(size), result.seconds() * 1e6 / (size - running));
                say("%d units: %s", size, result.report());
                running = size;
                atSize(cluster, size, result.names().getFirst());
            }
            findings.used(meter.used());
            meter.longestPause()
                    .ifPresent(ms -> findings.add(Row.atMost("longest pause of an engine", ms, "ms", PAUSE_LIMIT_MS)));
            findings.add(Row.atMost("changes of leadership while units came in bulk", (double) changes, "", 0));
            if (running >= ENOUGH_FOR_HEAP) {
                var follower = cluster.followersOf(cluster.awaitLeader(LIMIT)).getFirst();
                double bytes = LiveHeap.of(follower.daemon().pid());
                findings.add(Row.atMost(
                        "heap in use of a follower, a unit, at " + running + " units",
                        bytes / running / 1024,
                        "KiB",
                        HEAP_LIMIT_KIB));
            }
        }
        for (var what : List.of(UNIT_COST, ONE_START, ONE_LOOK, LEADER)) {
            sizes.forEach(size -> report(findings, what, size));
        }
    }

    /** Those below the largest, and it. */
    static List<Integer> sizes(int smallest, int most) {
        var sizes = new ArrayList<Integer>();
        sizes.add(smallest);
        SIZES.stream().filter(size -> size > smallest && size < most).forEach(sizes::add);
        if (most > smallest) {
            sizes.add(most);
        }
        return sizes;
    }

    private static StartRound bulk(Cluster cluster) {
        var engines = cluster.engines().stream().map(cluster::client).toList();
        return StartRound.overGrpc(cluster.client(), engines, CLIENTS, BulkUnits.BATCH);
    }

    private void atSize(Cluster cluster, int size, String one) throws Exception {
        var client = cluster.client();
        var single = StartRound.overGrpc(client, List.of(client), 1);
        for (int round = 1; round <= options.rounds; round++) {
            var result = single.run("one" + size + "-" + round + "-", 1);
            figures.add(ONE_START + at(size), result.seconds() * 1e6);
            BulkUnits.destroy(client, result.names());
            long begin = System.nanoTime();
            int found = client.listUnitStates(
                            ListUnitStatesRequest.newBuilder().addNames(one).build())
                    .rows()
                    .size();
            figures.add(ONE_LOOK + at(size), micros(begin));
            if (found != 1) {
                throw new IllegalStateException(one + " has " + found + " states");
            }
        }
        for (int kill = 1; kill <= kills; kill++) {
            figures.add(LEADER + at(size), kill(cluster));
        }
    }

    private static long term(Cluster cluster) {
        return cluster.awaitLeader(LIMIT).status(LIMIT).getTerm();
    }

    private static double kill(Cluster cluster) {
        var leader = cluster.awaitLeader(LIMIT);
        var others = cluster.client(cluster.followersOf(leader));
        var probe = List.of(BulkUnits.unit("probe.service", BulkUnits.SLEEP, TargetState.TARGET_STATE_INACTIVE));
        var name = List.of("probe.service");
        BulkUnits.create(others, probe); // connected, as a client that works
        BulkUnits.destroy(others, name);
        long begin = System.nanoTime();
        leader.daemon().kill();
        BulkUnits.create(others, probe);
        double micros = micros(begin);
        BulkUnits.destroy(others, name);
        var unused = leader.daemon().awaitExit(LIMIT);
        leader.start();
        cluster.awaitReady(LIMIT);
        return micros;
    }

    private static double micros(long begin) {
        return TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - begin);
    }

    private static String at(int size) {
        return ", at " + size + " units";
    }

    private void report(Findings findings, String what, int size) {
        var here = what + at(size);
        if (!figures.things().contains(here)) {
            return;
        }
        double figure = figures.of(here);
        findings.add(
                size == smallest
                        ? Row.of(here, figure, "us")
                        : Row.beside(
                                here, figure, "us", "at " + smallest, figures.of(what + at(smallest)), MOST_TIMES));
        if (what.equals(UNIT_COST)) {
            findings.add(Row.of("rate in bulk" + at(size), 1e6 / figure, "units/s"));
        }
    }
}
