package io.raftfleet.bench;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What mutual TLS costs: two clusters of its own, one with and one without, side by side and measured in turns. Units started over gRPC
 * from several clients, {@code fleetctl list-units} of all of them as a process, and the leader killed: from there to the first write of a
 * client that is connected.
 */
@Command(
        name = "tls-cost",
        mixinStandardHelpOptions = true,
        description = "Starts, lists and failovers with mutual TLS, beside those in plaintext.")
public final class TlsCost implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final int AGENTS = 4;
    private static final int BATCH = 500;

    private enum Way {
        PLAINTEXT,
        TLS
    }

    @Option(names = "--units", description = "Units a round (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--clients", description = "Clients that start them (${DEFAULT-VALUE}).")
    int clients = 8;

    @Option(names = "--warm", description = "Rounds before those that count (${DEFAULT-VALUE}).")
    int warm = 3;

    @Option(names = "--rounds", description = "Rounds that count (${DEFAULT-VALUE}).")
    int rounds = 6;

    @Option(names = "--lists", description = "Lists a round (${DEFAULT-VALUE}).")
    int lists = 5;

    @Option(names = "--kills", description = "Leaders killed of each cluster (${DEFAULT-VALUE}).")
    int kills = 20;

    @Option(names = "--fleetctl", description = "The command to measure (${DEFAULT-VALUE}).")
    Path fleetctl = Path.of("bin/fleetctl");

    private final Map<String, Times> measured = new LinkedHashMap<>();

    /** What was measured, in nanoseconds. */
    private record Times(List<Long> plaintext, List<Long> tls) {}

    private TlsCost() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new TlsCost()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        var options = ClusterOptions.of("tls-cost");
        for (int i = 1; i <= AGENTS; i++) {
            options = options.with(AgentSpec.hollow("a" + i, 1));
        }
        try (var plaintext = Cluster.start(options);
                var tls = Cluster.start(options.withTls())) {
            for (int round = 1; round <= warm + rounds; round++) {
                for (var way : turns(round)) {
                    starts(way, way == Way.TLS ? tls : plaintext, round);
                }
                System.out.println("round " + round + (round <= warm ? ", to warm up" : ""));
            }
            for (int kill = 1; kill <= kills; kill++) {
                for (var way : turns(kill)) {
                    kill(way, way == Way.TLS ? tls : plaintext);
                }
            }
        }
        report();
        return 0;
    }

    /** Each goes first as often. */
    private static List<Way> turns(int round) {
        return round % 2 == 0 ? List.of(Way.TLS, Way.PLAINTEXT) : List.of(Way.PLAINTEXT, Way.TLS);
    }

    private void starts(Way way, Cluster cluster, int round) throws Exception {
        var client = cluster.client();
        var engines = cluster.engines().stream().map(cluster::client).toList();
        var result = StartRound.overGrpc(client, engines, clients).run("cost" + round + "-", units);
        if (round > warm) {
            note(units + " starts, all active", way, (long) (result.seconds() * 1e9));
            note("a start among them, p50", way, result.nanos(50));
            note("a start among them, p99", way, result.nanos(99));
            for (int list = 0; list < lists; list++) {
                long begin = System.nanoTime();
                list(cluster);
                note("fleetctl list-units, " + units + " units", way, System.nanoTime() - begin);
            }
        }
        for (int from = 0; from < units; from += BATCH) {
            var unused = client.destroyUnits(result.names().subList(from, Math.min(units, from + BATCH)));
        }
        Await.until(
                "the machines have nothing left",
                LIMIT,
                () -> client.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                        .rows()
                        .isEmpty());
    }

    private void list(Cluster cluster) {
        var endpoints = cluster.engines().stream()
                .map(engine -> engine.addresses().grpc())
                .toList();
        var command = new ArrayList<>(List.of(fleetctl.toString(), "--endpoint", String.join(",", endpoints)));
        cluster.certificates()
                .ifPresent(certificates -> command.addAll(List.of(
                        "--ca-file", certificates.admin().authorities().toString(),
                        "--cert-file", certificates.admin().certificate().toString(),
                        "--key-file", certificates.admin().key().toString())));
        command.addAll(List.of("list-units", "--no-legend"));
        long lines = Commands.run(command).lines().count();
        if (lines != units) {
            throw new IllegalStateException("fleetctl lists " + lines + " of " + units + " units");
        }
    }

    private void kill(Way way, Cluster cluster) {
        var leader = cluster.awaitLeader(LIMIT);
        var others = cluster.client(cluster.followersOf(leader));
        var unused = write(others); // connected, as a client that works
        long begin = System.nanoTime();
        leader.daemon().kill();
        note("leader killed, first write", way, write(others) - begin);
        var unusedToo = leader.daemon().awaitExit(LIMIT);
        leader.start();
        cluster.awaitReady(LIMIT);
        Await.get("the engine that came back has the registry", LIMIT, () -> {
            cluster.awaitEqual(LIMIT);
            return Optional.of(true);
        });
    }

    /** Writes a unit, and takes it away again; when it was written, by {@link System#nanoTime}. */
    private static long write(FleetClient client) {
        var unit = NewUnit.newBuilder()
                .setName("probe.service")
                .setText("[Service]\nExecStart=/bin/true\n")
                .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                .build();
        done(client.createUnits(List.of(unit), false).results());
        long written = System.nanoTime();
        done(client.destroyUnits(List.of("probe.service")).results());
        return written;
    }

    private static void done(List<ItemResult> results) {
        if (results.getFirst().getCode() != ItemCode.ITEM_CODE_OK) {
            throw new IllegalStateException("a write was answered " + results);
        }
    }

    private void note(String what, Way way, long nanos) {
        var times = measured.computeIfAbsent(what, none -> new Times(new ArrayList<>(), new ArrayList<>()));
        (way == Way.TLS ? times.tls() : times.plaintext()).add(nanos);
    }

    private void report() {
        measured.forEach((what, times) -> {
            double plaintext = median(times.plaintext());
            double tls = median(times.tls());
            System.out.printf(
                    Locale.ROOT,
                    "%s: plaintext %.1f ms, TLS %.1f ms: %.2f times (medians of %d)%n",
                    what,
                    plaintext,
                    tls,
                    tls / plaintext,
                    times.tls().size());
        });
    }

    private static double median(List<Long> nanos) {
        long[] sorted = nanos.stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(sorted);
        return Percentiles.millis(sorted, 50);
    }
}
