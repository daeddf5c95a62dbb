package io.raftfleet.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Start latency through the HTTP v1 API while the mirror's etcd is healthy, slow, and down: blocks of each in turn, over the
 * same warm engines, which of the three comes first changing from turn to turn. Starts a cluster and an etcd of its own, with
 * machines in memory. Before each block etcd is healthy and the mirror caught up.
 */
@Command(
        name = "etcd-starts",
        mixinStandardHelpOptions = true,
        description = "Whether etcd's troubles are felt by who starts units.")
public final class EtcdStarts implements Callable<Integer> {
    private enum State {
        HEALTHY,
        SLOW,
        DOWN
    }

    @Option(names = "--units", description = "Units a block (${DEFAULT-VALUE}).")
    int units = 1000;

    @Option(names = "--turns", description = "Blocks of each kind (${DEFAULT-VALUE}).")
    int turns = 6;

    @Option(names = "--warm", description = "Blocks before the first that counts (${DEFAULT-VALUE}).")
    int warm = 10;

    @Option(names = "--clients", description = "Concurrent clients (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(
            names = "--slow",
            description = "Milliseconds that a call of the slow etcd takes longer (${DEFAULT-VALUE}).")
    int slow = 2000;

    private final Map<State, List<StartRound.Result>> results = new EnumMap<>(State.class);

    public static void main(String[] args) {
        System.exit(new CommandLine(new EtcdStarts()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        try (var cluster = new EtcdCluster("etcd-starts", machines)) {
            var starts = cluster.starts(clients);
            for (int block = 1; block <= warm; block++) {
                var result = starts.run("warm-" + block + "-", units);
                cluster.clear(result.names());
                System.out.println("warm-up " + block + ": " + result.report());
            }
            var order = new ArrayList<>(List.of(State.values()));
            for (int turn = 1; turn <= turns; turn++) {
                for (var state : order) {
                    prepare(cluster, state);
                    var result = starts.run("turn-" + turn + "-" + state.name().toLowerCase(Locale.ROOT) + "-", units);
                    cluster.clear(result.names());
                    results.computeIfAbsent(state, s -> new ArrayList<>()).add(result);
                    System.out.println("turn " + turn + ", " + state + ": " + result.report() + "; load " + load());
                }
                Collections.rotate(order, 1);
            }
        }
        for (var state : State.values()) {
            System.out.println(report(state));
        }
        return 0;
    }

    private void prepare(EtcdCluster cluster, State state) {
        switch (state) {
            case HEALTHY -> cluster.healthy();
            case SLOW -> cluster.slow(Duration.ofMillis(slow));
            case DOWN -> cluster.down();
        }
    }

    private String report(State state) {
        var all = sorted(state);
        var healthy = sorted(State.HEALTHY);
        long[] blocks = blocks(state).stream()
                .mapToLong(block -> block.nanos(99))
                .sorted()
                .toArray();
        return "%s, %d blocks of %d: %s; compared with healthy: p50 × %.2f, p85 × %.2f, p99 × %.2f; p99 of its blocks: median %.1f ms, %.1f to %.1f ms"
                .formatted(
                        state,
                        blocks.length,
                        units,
                        StartRound.summary(all),
                        ratio(all, healthy, 50),
                        ratio(all, healthy, 85),
                        ratio(all, healthy, 99),
                        Percentiles.millis(blocks, 50),
                        Percentiles.millis(blocks, 0),
                        Percentiles.millis(blocks, 100));
    }

    private List<StartRound.Result> blocks(State state) {
        return results.getOrDefault(state, List.of());
    }

    private long[] sorted(State state) {
        return blocks(state).stream()
                .flatMapToLong(block -> LongStream.of(block.latencies().toArray()))
                .sorted()
                .toArray();
    }

    private static double ratio(long[] some, long[] others, int percent) {
        return Percentiles.millis(some, percent) / Percentiles.millis(others, percent);
    }

    private static String load() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
    }
}
