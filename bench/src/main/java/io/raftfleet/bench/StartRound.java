package io.raftfleet.bench;

import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.UnitState;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;

/**
 * Starts units, one or many a request, from several clients at once over all engines, and measures each from its request to the watch
 * event that tells that its machine reported it active.
 */
final class StartRound {
    private static final String BODY = "{\"desiredState\":\"launched\",\"options\":[{\"section\":\"Service\","
            + "\"name\":\"ExecStart\",\"value\":\"/bin/sleep 100000\"}]}";
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Has one engine start units; returns when it has said that it will. */
    @FunctionalInterface
    private interface Way {
        void start(List<String> names) throws IOException, InterruptedException;
    }

    /** What was started. */
    static final class Result {
        private final List<String> names;
        private final long[] latencies;
        private final long wallNanos;

        private Result(List<String> names, long[] latencies, long wallNanos) {
            this.names = names;
            this.latencies = latencies;
            this.wallNanos = wallNanos;
        }

        List<String> names() {
            return names;
        }

        /** In nanoseconds, one a unit. */
        LongStream latencies() {
            return Arrays.stream(latencies);
        }

        /** A percentile of them. */
        long nanos(int percent) {
            return Percentiles.nanos(latencies, percent);
        }

        /** From the first request to the last unit active. */
        double seconds() {
            return wallNanos / 1e9;
        }

        String report() {
            return "%d units active after %.2f s, %.0f units/s; request to active: %s"
                    .formatted(latencies.length, seconds(), latencies.length / seconds(), summary(latencies));
        }
    }

    /** @param sorted nanoseconds, ascending */
    static String summary(long[] sorted) {
        return "p50 %.1f ms, p85 %.1f ms, p99 %.1f ms, max %.1f ms"
                .formatted(
                        Percentiles.millis(sorted, 50),
                        Percentiles.millis(sorted, 85),
                        Percentiles.millis(sorted, 99),
                        Percentiles.millis(sorted, 100));
    }

    private final FleetClient fleet;
    private final List<Way> ways;
    private final int clients;
    private final int batch;

    private StartRound(FleetClient fleet, List<Way> ways, int clients, int batch) {
        this.batch = batch;
        this.fleet = fleet;
        this.ways = List.copyOf(ways);
        this.clients = clients;
    }

    /**
     * Through the HTTP v1 API.
     *
     * @param http addresses of engines, {@code host:port}
     */
    static StartRound overHttp(FleetClient fleet, List<String> http, int clients) {
        var client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return new StartRound(
                fleet,
                http.stream()
                        .map(address -> (Way) names -> put(client, address, names.getFirst()))
                        .toList(),
                clients,
                1);
    }

    /** @param engines connected to one each */
    static StartRound overGrpc(FleetClient fleet, List<FleetClient> engines, int clients) {
        return overGrpc(fleet, engines, clients, 1);
    }

    /**
     * @param engines connected to one each
     * @param batch units a request
     */
    static StartRound overGrpc(FleetClient fleet, List<FleetClient> engines, int clients, int batch) {
        return new StartRound(
                fleet,
                engines.stream()
                        .map(engine -> (Way) names -> create(engine, names))
                        .toList(),
                clients,
                batch);
    }

    /** Starts units whose names begin with a prefix of this round's own, and leaves them running. */
    Result run(String prefix, int units) throws Exception {
        Map<String, Long> asked = new ConcurrentHashMap<>();
        long[] latencies = new long[units];
        var names = BulkUnits.names(prefix, units);
        var after = fleet.listMachines(ListMachinesRequest.getDefaultInstance()).revision();
        try (var workers = Executors.newVirtualThreadPerTaskExecutor()) {
            long begin = System.nanoTime();
            var next = new AtomicInteger();
            List<Future<Void>> running = new ArrayList<>();
            for (int c = 0; c < clients; c++) {
                var way = ways.get(c % ways.size());
                running.add(workers.submit(() -> {
                    for (int i = next.getAndAdd(batch); i < units; i = next.getAndAdd(batch)) {
                        var some = names.subList(i, Math.min(units, i + batch));
                        long now = System.nanoTime();
                        some.forEach(name -> asked.put(name, now));
                        way.start(some);
                    }
                    return null;
                }));
            }
            int active = 0;
            while (active < units) {
                try (var watch = fleet.watch(WatchRequest.newBuilder()
                        .setUnitStates(true)
                        .addNames(prefix + "*")
                        .setAfter(after)
                        .build())) {
                    while (active < units) {
                        active = takeActive(watch, asked, latencies, active);
                    }
                } catch (CompactedException e) {
                    // More has changed than is kept, as on busy cores: all is looked at, as every client does then.
                    var all = fleet.listUnitStates(ListUnitStatesRequest.newBuilder()
                            .addNames(prefix + "*")
                            .build());
                    active = count(all.rows(), asked, latencies, active);
                    after = all.revision();
                }
            }
            long end = System.nanoTime();
            for (var worker : running) {
                worker.get();
            }
            Arrays.sort(latencies);
            return new Result(names, latencies, end - begin);
        }
    }

    private int takeActive(Watch watch, Map<String, Long> asked, long[] latencies, int active)
            throws CompactedException, InterruptedException {
        var frame = watch.next(PATIENCE);
        if (frame == null) {
            throw new IllegalStateException(
                    "only " + active + " of " + latencies.length + " units were active in time");
        }
        return count(
                frame.getEventsList().stream()
                        .map(event -> event.getUnitState())
                        .toList(),
                asked,
                latencies,
                active);
    }

    private static int count(List<UnitState> states, Map<String, Long> asked, long[] latencies, int active) {
        long now = System.nanoTime();
        int count = active;
        for (var state : states) {
            if (state.getActiveState().equals("active")) {
                var since = asked.remove(state.getName());
                if (since != null) {
                    latencies[count++] = now - since;
                }
            }
        }
        return count;
    }

    private static void create(FleetClient engine, List<String> names) {
        BulkUnits.requireOk(
                engine.createUnits(names.stream().map(BulkUnits::launched).toList(), false));
    }

    private static void put(HttpClient client, String address, String name) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create("http://" + address + "/fleet/v1/units/" + name))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(BODY))
                .build();
        var response = client.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 201) {
            throw new IOException("PUT " + name + " was answered " + response.statusCode() + ": " + response.body());
        }
    }
}
