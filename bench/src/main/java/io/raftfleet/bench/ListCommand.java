package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** How long it takes to list all units: by the API, and by fleetctl as a whole process, beside a bare JVM. Starts a cluster of its own. */
@Command(name = "list", description = "Lists of all units, by the API and by fleetctl as a process.")
final class ListCommand extends Benchmark {
    private static final double LIST_LIMIT_MS = 300;
    private static final double VERSION_LIMIT_MS = 150;
    private static final String JVM = "a bare JVM";
    private static final String LIST = "fleetctl list-units";
    private static final String VERSION = "fleetctl version";
    private static final String GRPC = "all states, gRPC";
    private static final String HTTP = "all states, HTTP";

    @Option(names = "--units", description = "Running units (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 4;

    private final JsonMapper json = JsonMapper.builder().build();
    private final HttpClient web = HttpClient.newHttpClient();
    private final Map<String, Histogram> times = new LinkedHashMap<>();

    /** Something to be measured. */
    @FunctionalInterface
    private interface Action {
        void run() throws IOException, InterruptedException;
    }

    ListCommand() {
        super(20, 5);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("units", units);
        findings.setting("machines", machines + " in memory");
        try (var cluster = Cluster.start(ClusterOptions.of("bench-list").with(AgentSpec.hollow("hollow", machines)))) {
            BulkUnits.start(cluster.client(), BulkUnits.names("list", units));
            var actions = actions(cluster);
            for (int round = 1; round <= options.warm; round++) {
                for (var action : actions.values()) {
                    action.run();
                }
            }
            var meter = ProcessMeter.start(cluster);
            for (int round = 1; round <= options.rounds; round++) {
                for (var action : actions.entrySet()) {
                    long begin = System.nanoTime();
                    action.getValue().run();
                    Distribution.record(
                            times.computeIfAbsent(action.getKey(), none -> Distribution.histogram()),
                            System.nanoTime() - begin);
                }
            }
            findings.used(meter.used());
        }
        report(findings);
    }

    private Map<String, Action> actions(Cluster cluster) {
        var endpoints = cluster.engines().stream()
                .map(engine -> engine.addresses().grpc())
                .toList();
        var fleetctl = Path.of(System.getProperty("raftfleet.root", ""), "bin", "fleetctl");
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var actions = new LinkedHashMap<String, Action>();
        actions.put(JVM, () -> run(List.of(java, "-Xshare:auto", "-XX:+UseSerialGC", "-version")));
        actions.put(VERSION, () -> run(fleetctl(fleetctl, endpoints, "version")));
        actions.put(LIST, () -> {
            long lines = run(fleetctl(fleetctl, endpoints, "list-units", "--no-legend"))
                    .lines()
                    .count();
            requireAll(lines, LIST);
        });
        actions.put(GRPC, () -> requireAll(states(cluster.client()), GRPC));
        actions.put(HTTP, () -> requireAll(pages(cluster.engines().getFirst().http()), HTTP));
        return actions;
    }

    private static List<String> fleetctl(Path program, List<String> endpoints, String... arguments) {
        var command = new ArrayList<>(List.of(program.toString(), "--endpoint", String.join(",", endpoints)));
        command.addAll(List.of(arguments));
        return command;
    }

    private static String run(List<String> command) {
        return Commands.run(command);
    }

    private void requireAll(long found, String what) {
        if (found != units) {
            throw new IllegalStateException(what + ": " + found + " of " + units + " units");
        }
    }

    private static int states(FleetClient client) {
        return client.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                .rows()
                .size();
    }

    /** All pages, one after the other; how many states they hold. */
    private int pages(URI engine) throws IOException, InterruptedException {
        int found = 0;
        var token = "";
        do {
            var query = token.isEmpty() ? "" : "?nextPageToken=" + URLEncoder.encode(token, StandardCharsets.UTF_8);
            var request = HttpRequest.newBuilder(URI.create(engine + "/fleet/v1/state" + query))
                    .build();
            var response = web.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new IOException("a list was answered " + response.statusCode() + ": " + response.body());
            }
            var page = json.readTree(response.body());
            found += page.path("states").size();
            token = page.path("nextPageToken").asString("");
        } while (!token.isEmpty());
        return found;
    }

    private void report(Findings findings) {
        findings.add(Row.atMost(LIST + ", p50", p50(LIST), "ms", LIST_LIMIT_MS));
        findings.add(Row.beside(LIST + ", p50", p50(LIST), "ms", JVM, p50(JVM)));
        findings.add(Row.atMost(VERSION + ", p50", p50(VERSION), "ms", VERSION_LIMIT_MS));
        findings.add(Row.beside(VERSION + ", p50", p50(VERSION), "ms", JVM, p50(JVM)));
        findings.add(Row.of(GRPC + ", p50", p50(GRPC), "ms"));
        findings.add(Row.of(HTTP + ", p50", p50(HTTP), "ms"));
        times.forEach(findings::times);
    }

    private double p50(String what) {
        return Distribution.millis(times.getOrDefault(what, Distribution.histogram()), 50);
    }
}
