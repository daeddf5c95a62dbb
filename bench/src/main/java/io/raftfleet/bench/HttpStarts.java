package io.raftfleet.bench;

import io.raftfleet.fleetctl.client.ClientOptions;
import io.raftfleet.fleetctl.client.CompactedException;
import io.raftfleet.fleetctl.client.Endpoint;
import io.raftfleet.fleetctl.client.FleetClient;
import io.raftfleet.fleetctl.client.Watch;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts units through the HTTP v1 API, one PUT a unit, from several clients at once over all engines, and measures each
 * from its request to the watch event that tells that its machine reported it active. Runs against a cluster that is up;
 * removes its units between rounds. The first round of a fresh cluster is a cold one: quote the later ones.
 */
@Command(name = "http-starts", mixinStandardHelpOptions = true, description = "Start latency through the HTTP v1 API.")
public final class HttpStarts implements Callable<Integer> {
    private static final String BODY = "{\"desiredState\":\"launched\",\"options\":[{\"section\":\"Service\","
            + "\"name\":\"ExecStart\",\"value\":\"/bin/sleep 100000\"}]}";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    @Option(names = "--grpc", required = true, paramLabel = "HOST:PORT,...", description = "gRPC addresses.")
    String grpc = "";

    @Option(
            names = "--http",
            required = true,
            split = ",",
            paramLabel = "HOST:PORT,...",
            description = "HTTP addresses.")
    List<String> http = List.of();

    @Option(names = "--units", description = "Units a round (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--clients", description = "Concurrent clients (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--rounds", description = "Rounds (${DEFAULT-VALUE}).")
    int rounds = 3;

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] args) {
        System.exit(new CommandLine(new HttpStarts()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        var options = ClientOptions.of(Endpoint.parseList(grpc)).withRequestTimeout(Duration.ofSeconds(30));
        try (var fleet = new FleetClient(options)) {
            for (int round = 1; round <= rounds; round++) {
                System.out.println("round " + round + ": " + round(fleet, round));
            }
        }
        return 0;
    }

    private String round(FleetClient fleet, int round) throws Exception {
        Map<String, Long> asked = new ConcurrentHashMap<>();
        long[] latencies = new long[units];
        var names = new ArrayList<String>();
        for (int i = 0; i < units; i++) {
            names.add("bench-" + round + "-" + i + ".service");
        }
        try (var workers = Executors.newVirtualThreadPerTaskExecutor();
                var watch = fleet.watch(WatchRequest.newBuilder()
                        .setUnitStates(true)
                        .addNames("bench-" + round + "-*")
                        .setAfter(fleet.listMachines(ListMachinesRequest.getDefaultInstance())
                                .revision())
                        .build())) {
            long begin = System.nanoTime();
            var next = new AtomicInteger();
            List<Future<Void>> running = new ArrayList<>();
            for (int c = 0; c < clients; c++) {
                var address = http.get(c % http.size());
                running.add(workers.submit(() -> {
                    for (int i = next.getAndIncrement(); i < units; i = next.getAndIncrement()) {
                        asked.put(names.get(i), System.nanoTime());
                        put(address, names.get(i));
                    }
                    return null;
                }));
            }
            int active = 0;
            while (active < units) {
                active = takeActive(watch, asked, latencies, active);
            }
            long end = System.nanoTime();
            for (var worker : running) {
                worker.get();
            }
            fleet.destroyUnits(names);
            return report(latencies, end - begin);
        }
    }

    private int takeActive(Watch watch, Map<String, Long> asked, long[] latencies, int active)
            throws CompactedException, InterruptedException {
        var frame = watch.next(PATIENCE);
        if (frame == null) {
            throw new IllegalStateException("only " + active + " of " + units + " units were active in time");
        }
        long now = System.nanoTime();
        int count = active;
        for (var event : frame.getEventsList()) {
            if (event.getUnitState().getActiveState().equals("active")) {
                var since = asked.remove(event.getUnitState().getName());
                if (since != null) {
                    latencies[count++] = now - since;
                }
            }
        }
        return count;
    }

    private void put(String address, String name) throws IOException, InterruptedException, ExecutionException {
        var request = HttpRequest.newBuilder(URI.create("http://" + address + "/fleet/v1/units/" + name))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(BODY))
                .build();
        var response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 201) {
            throw new IOException("PUT " + name + " was answered " + response.statusCode() + ": " + response.body());
        }
    }

    private static String report(long[] latencies, long wall) {
        Arrays.sort(latencies);
        return "%d units active after %.2f s, %.0f units/s; request to active: p50 %.1f ms, p85 %.1f ms, p99 %.1f ms, max %.1f ms"
                .formatted(
                        latencies.length,
                        wall / 1e9,
                        latencies.length / (wall / 1e9),
                        Percentiles.millis(latencies, 50),
                        Percentiles.millis(latencies, 85),
                        Percentiles.millis(latencies, 99),
                        Percentiles.millis(latencies, 100));
    }
}
