package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Starts units one by one over HTTP and over gRPC, and many a request, in turns, each from its request to its machine's report. */
@Command(name = "start", description = "From the request to the unit reported active, by HTTP, gRPC and in bulk.")
final class StartCommand extends Benchmark {
    private static final double LIMIT_MS = 100;
    private static final String HTTP = "one by one, HTTP";
    private static final String GRPC = "one by one, gRPC";

    /** What fleet published was measured with so many. */
    private static final int PUBLISHED_UNITS = 3000;

    private static final String PUBLISHED = "fleet's gRPC engine, published,";

    @Option(names = "--units", description = "Units a round (${DEFAULT-VALUE}).")
    int units = PUBLISHED_UNITS;

    @Option(names = "--clients", description = "Clients at once (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 4;

    private final Map<String, Histogram> times = new LinkedHashMap<>();
    private final Medians seconds = new Medians();

    StartCommand() {
        super(5, 3);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("units", units);
        findings.setting("clients", clients);
        findings.setting("machines", machines + " in memory");
        try (var cluster = Cluster.start(ClusterOptions.of("bench-start").with(AgentSpec.hollow("hollow", machines)))) {
            for (int round = 1; round <= options.warm; round++) {
                round(cluster, "warm" + round, false);
            }
            var meter = ProcessMeter.start(cluster);
            for (int round = 1; round <= options.rounds; round++) {
                round(cluster, "round" + round, true);
            }
            findings.used(meter.used());
        }
        report(findings);
    }

    private void round(Cluster cluster, String round, boolean counts) throws Exception {
        var turns = new ArrayList<>(ways(cluster).entrySet());
        Collections.rotate(turns, round.hashCode());
        for (var turn : turns) {
            var way = turn.getKey();
            var prefix = round + "-" + way.replaceAll("[^A-Za-z]+", "") + "-";
            var result = turn.getValue().run(prefix, units);
            say("%s, %s: %s", round, way, result.report());
            if (counts) {
                var histogram = times.computeIfAbsent(way, none -> Distribution.histogram());
                result.latencies().forEach(nanos -> Distribution.record(histogram, nanos));
                seconds.add(way, result.seconds());
            }
            BulkUnits.destroyAll(cluster.client(), result.names());
        }
    }

    private Map<String, StartRound> ways(Cluster cluster) {
        var client = cluster.client();
        var engines = cluster.engines().stream().map(cluster::client).toList();
        var http = cluster.engines().stream()
                .map(engine -> engine.addresses().http())
                .toList();
        var ways = new LinkedHashMap<String, StartRound>();
        ways.put(HTTP, StartRound.overHttp(client, http, clients));
        ways.put(GRPC, StartRound.overGrpc(client, engines, clients));
        ways.put(
                "in bulk, gRPC, " + BulkUnits.BATCH + " a request",
                StartRound.overGrpc(client, engines, clients, BulkUnits.BATCH));
        return ways;
    }

    private void report(Findings findings) {
        times.forEach((way, histogram) -> {
            double p99 = Distribution.millis(histogram, 99);
            findings.add(
                    List.of(HTTP, GRPC).contains(way)
                            ? Row.atMost(way + ", p99", p99, "ms", LIMIT_MS)
                            : Row.of(way + ", p99", p99, "ms"));
            findings.add(Row.of(way + ", all active, median", seconds.of(way), "s"));
            findings.add(Row.of(way + ", rate", units / seconds.of(way), "units/s"));
            findings.times(way, histogram);
        });
        var http = times.get(HTTP);
        if (http != null && units == PUBLISHED_UNITS) {
            findings.add(Row.beside(HTTP + ", p50", Distribution.millis(http, 50), "ms", PUBLISHED, 9_400));
            findings.add(Row.beside(HTTP + ", p85", Distribution.millis(http, 85), "ms", PUBLISHED, 34_000));
            findings.add(Row.beside(HTTP + ", all active", seconds.of(HTTP) * 1000, "ms", PUBLISHED, 52_000));
        }
    }
}
