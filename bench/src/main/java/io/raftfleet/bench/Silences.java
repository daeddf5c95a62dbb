package io.raftfleet.bench;

import io.grpc.stub.StreamObserver;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.ClientOptions;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.FindLeaderRequest;
import io.raftfleet.proto.agent.FindLeaderResponse;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What silence costs beside what a kill costs. Every engine and machine is a host with an address of its own; the leader is killed, and
 * its host is cut off so that nothing answers and nothing refuses, in turn. In each round it takes the time from then on until
 *
 * <ul>
 *   <li>another engine says that it leads: detection, which all others wait for;
 *   <li>a write over HTTP, sent at once to each engine that is left and again 20 ms after each 503, has succeeded at both;
 *   <li>a client that was connected to the leader has written through whoever is next;
 *   <li>all agents are in session with the next leader;
 *   <li>in every other round, in place of those over HTTP: {@code fleetctl}, begun at once, with the leader that is gone as its first
 *       endpoint, has written.
 * </ul>
 *
 * <p>Before that hosts are cut off for minutes, and joined again: how soon an engine takes writes, and a machine is in session.
 *
 * <p>Then {@code fleetctl} as a process with one endpoint cut off, the first one it is given, beside the same with all there, in turn.
 */
@Command(
        name = "silences",
        mixinStandardHelpOptions = true,
        description = "What a host that says nothing costs clients and agents, beside a process that is killed.")
public final class Silences implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String TEXT = "[Service]\nExecStart=/bin/sleep 100000\n";
    private static final String UNIT = """
            {"desiredState": "inactive", "options": [{"section": "Service", "name": "ExecStart", "value": "/bin/sleep 100000"}]}
            """;
    private static final List<String> AGENTS = List.of("a1", "a2", "a3", "a4");

    /** What happens to the leader. */
    enum Fault {
        KILL,
        CUT
    }

    @Option(names = "--rounds", description = "Of each fault and each kind of client (${DEFAULT-VALUE}).")
    int rounds = 50;

    @Option(
            names = "--warm",
            description =
                    "Writes through each engine before it begins, and through one that came back (${DEFAULT-VALUE}).")
    int warm = 200;

    @Option(
            names = "--long-cut",
            description = "Seconds for which a host is cut off before it is asked how soon it is back; 0 for not at all"
                    + " (${DEFAULT-VALUE}).")
    int longCut = 110;

    @Option(names = "--out", description = "Keeps the cluster's logs and data here; otherwise they go with it.")
    @Nullable
    Path out;

    @Option(names = "--fleetctl", description = "The command to measure (${DEFAULT-VALUE}).")
    Path fleetctl = Path.of("bin/fleetctl");

    private final Map<String, List<Long>> measured = new LinkedHashMap<>();
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(1))
            .build();
    private int probes;

    public static void main(String[] args) {
        System.exit(new CommandLine(new Silences()).execute(args));
    }

    @Override
    public Integer call() throws InterruptedException {
        var names = new ArrayList<>(List.of("e1", "e2", "e3"));
        names.addAll(AGENTS);
        try (var hosts = new LinkedHosts(names);
                var cluster = Cluster.start(options(hosts));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (var engine : cluster.engines()) {
                if (!cluster.awaitLeader(LIMIT).id().equals(engine.id())) {
                    cluster.client().transferLeader(engine.id());
                }
                warm(cluster.client(engine));
            }
            if (longCut > 0) {
                longCut(hosts, cluster);
            }
            if (rounds > 0) {
                deadEndpoint(hosts, cluster);
            }
            for (int round = 1; round <= rounds; round++) {
                for (var fault : Fault.values()) {
                    round(hosts, cluster, threads, fault, false);
                    round(hosts, cluster, threads, fault, true);
                }
                if (round % 10 == 0 || round == rounds) {
                    report(round);
                }
            }
        }
        return 0;
    }

    /** With the election timeouts that an engine has by itself. */
    private ClusterOptions options(LinkedHosts hosts) {
        var options = ClusterOptions.of("silences")
                .on(hosts)
                .withAgentTtl(Duration.ofSeconds(30))
                .withElection(Duration.ofMillis(500), Duration.ofMillis(1000));
        for (var agent : AGENTS) {
            options = options.with(AgentSpec.hollow(agent, 1));
        }
        return out == null
                ? options
                : options.at(out.toAbsolutePath(), out.toAbsolutePath().resolve("logs"));
    }

    private void round(LinkedHosts hosts, Cluster cluster, ExecutorService threads, Fault fault, boolean byCommand)
            throws InterruptedException {
        var leader = cluster.awaitLeader(LIMIT);
        try (var connected = connected(leader, cluster.followersOf(leader))) {
            round(hosts, cluster, threads, fault, byCommand, leader, connected);
        }
    }

    private void round(
            LinkedHosts hosts,
            Cluster cluster,
            ExecutorService threads,
            Fault fault,
            boolean byCommand,
            EngineNode leader,
            FleetClient connected)
            throws InterruptedException {
        var left = cluster.followersOf(leader);
        var epochs = epochs(left.getFirst());
        var next = new CompletableFuture<Long>();
        left.forEach(engine -> awaitLeadership(engine, next));

        long start = System.nanoTime();
        if (fault == Fault.KILL) {
            leader.daemon().kill();
        } else {
            hosts.cut(leader.id());
        }
        var written = byCommand
                ? List.of(CompletableFuture.supplyAsync(() -> submit(addresses(leader, left)), threads))
                : left.stream()
                        .map(engine -> CompletableFuture.supplyAsync(() -> put(engine.http()), threads))
                        .toList();
        var writtenToo = CompletableFuture.supplyAsync(() -> create(connected), threads);
        while (!epochs(left.getFirst()).entrySet().stream()
                .allMatch(machine -> machine.getValue() > epochs.getOrDefault(machine.getKey(), 0L))) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
        note(fault + ": all agents in session", System.nanoTime() - start);
        long slowest = written.stream().mapToLong(CompletableFuture::join).max().orElseThrow();
        note(
                fault
                        + (byCommand
                                ? ": fleetctl submit, from its start"
                                : ": writes over HTTP, the slower of two engines"),
                slowest - start);
        note(fault + ": a client that is connected to the leader", writtenToo.join() - start);
        note(fault + ": detected, another engine leads", next.join() - start);

        if (fault == Fault.KILL) {
            var unused = leader.daemon().awaitExit(LIMIT);
            leader.start();
        } else {
            hosts.join(leader.id());
        }
        cluster.awaitReady(LIMIT);
        warm(cluster.client(leader));
    }

    /** A follower's host and a machine's are cut off for long and joined again; then the leader's. */
    private void longCut(LinkedHosts hosts, Cluster cluster) throws InterruptedException {
        var follower = cluster.followersOf(cluster.awaitLeader(LIMIT)).getFirst();
        comesBack(hosts, cluster, follower, AGENTS.getFirst());
        comesBack(hosts, cluster, cluster.awaitLeader(LIMIT), AGENTS.getLast());
    }

    private void comesBack(LinkedHosts hosts, Cluster cluster, EngineNode engine, String agent)
            throws InterruptedException {
        var other = cluster.followersOf(engine).getFirst();
        var machine = cluster.agents().get(AGENTS.indexOf(agent)).machineIds().getFirst();
        var leads = cluster.awaitLeader(LIMIT).id().equals(engine.id()) ? "the leader" : "a follower";
        hosts.cut(engine.id());
        hosts.cut(agent);
        TimeUnit.SECONDS.sleep(longCut);
        var unusedToo = create(cluster.client(other));
        long epoch = epochs(other).getOrDefault(machine, 0L);
        hosts.join(engine.id());
        hosts.join(agent);
        long start = System.nanoTime();
        boolean written = false;
        boolean present = false;
        while (!written || !present) {
            if (!written && written(engine)) {
                written = true;
                note("cut for " + longCut + " s, " + leads + ": takes writes again", System.nanoTime() - start);
            }
            if (!present && epochs(other).getOrDefault(machine, 0L) > epoch) {
                present = true;
                note("cut for " + longCut + " s, a machine: in session again", System.nanoTime() - start);
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        report(0);
        cluster.awaitReady(LIMIT);
    }

    /** Whether this engine, asked alone, has a write done. */
    private boolean written(EngineNode engine) {
        try (var client = new FleetClient(
                ClientOptions.of(List.of(engine.endpoint())).withRequestTimeout(Duration.ofSeconds(1)))) {
            return create(client) > 0;
        } catch (FleetClientException e) {
            return false;
        }
    }

    /** With one engine's host cut off, which does not lead: a command that is given it first, and one that is not given it. */
    private void deadEndpoint(LinkedHosts hosts, Cluster cluster) {
        var leader = cluster.awaitLeader(LIMIT);
        var dead = cluster.followersOf(leader).getFirst();
        var alive = cluster.followersOf(dead);
        hosts.cut(dead.id());
        for (int round = 0; round < rounds; round++) {
            for (var command : List.of("list-machines", "submit")) {
                for (boolean with : List.of(false, true)) {
                    var endpoints = with ? addresses(dead, alive) : addresses(alive.getFirst(), alive.subList(1, 2));
                    long start = System.nanoTime();
                    long end = command.equals("submit") ? submit(endpoints) : run(endpoints, command);
                    note(
                            "fleetctl " + command + (with ? ", the first of three endpoints dead" : ", two endpoints"),
                            end - start);
                }
            }
        }
        hosts.join(dead.id());
        cluster.awaitReady(LIMIT);
        report(rounds);
    }

    private static void awaitLeadership(EngineNode engine, CompletableFuture<Long> next) {
        AgentGatewayGrpc.newStub(engine.channel())
                .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
                .watchLeader(FindLeaderRequest.getDefaultInstance(), new StreamObserver<>() {
                    @Override
                    public void onNext(FindLeaderResponse response) {
                        if (response.getLeading()) {
                            next.complete(System.nanoTime());
                        }
                    }

                    @Override
                    public void onError(Throwable failure) {
                        // It is over with the round, or with the engine.
                    }

                    @Override
                    public void onCompleted() {}
                });
    }

    /** Sessions of machines as an engine has them, though it may lag. */
    private static Map<String, Long> epochs(EngineNode engine) {
        var request = ListMachinesRequest.newBuilder()
                .setRead(ReadOptions.newBuilder().setStale(true))
                .build();
        return FleetGrpc.newBlockingStub(engine.channel())
                .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
                .listMachines(request)
                .getMachinesList()
                .stream()
                .collect(Collectors.toMap(Machine::getId, Machine::getSessionEpoch));
    }

    /** Writes until it succeeds; when that was. */
    private long put(URI engine) {
        var request = HttpRequest.newBuilder(engine.resolve("/fleet/v1/units/" + probe()))
                .timeout(LIMIT)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(UNIT))
                .build();
        try {
            while (true) {
                var response = http.send(request, HttpResponse.BodyHandlers.ofString());
                if (response.statusCode() / 100 == 2) {
                    return System.nanoTime();
                }
                if (response.statusCode() != 503) {
                    throw new IllegalStateException(
                            request + " was answered " + response.statusCode() + ": " + response.body());
                }
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A client that has asked the leader already. */
    private static FleetClient connected(EngineNode leader, List<EngineNode> others) {
        var client = new FleetClient(ClientOptions.of(Stream.concat(Stream.of(leader), others.stream())
                        .map(EngineNode::endpoint)
                        .toList())
                .withRequestTimeout(LIMIT));
        var unused = client.listMachines(ListMachinesRequest.getDefaultInstance());
        return client;
    }

    private long create(FleetClient client) {
        client.createUnits(
                List.of(NewUnit.newBuilder()
                        .setName(probe())
                        .setText(TEXT)
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                        .build()),
                false);
        return System.nanoTime();
    }

    private long submit(List<String> endpoints) {
        try {
            var file = Files.writeString(Files.createTempDirectory("silences").resolve(probe()), TEXT);
            try {
                return run(endpoints, "submit", file.toString());
            } finally {
                Files.delete(file);
                Files.deleteIfExists(file.getParent());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long run(List<String> endpoints, String... arguments) {
        var command = new ArrayList<>(List.of(fleetctl.toString(), "--endpoint", String.join(",", endpoints)));
        command.addAll(List.of(arguments));
        var unused = Commands.run(command);
        return System.nanoTime();
    }

    private synchronized String probe() {
        return "probe" + probes++ + ".service";
    }

    private static List<String> addresses(EngineNode first, List<EngineNode> others) {
        return Stream.concat(Stream.of(first), others.stream())
                .map(engine -> engine.addresses().grpc())
                .toList();
    }

    private void warm(FleetClient client) {
        var unit = NewUnit.newBuilder()
                .setName("warm.service")
                .setText(TEXT)
                .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                .build();
        for (int i = 0; i < warm; i += 2) {
            client.createUnits(List.of(unit), false);
            client.destroyUnits(List.of("warm.service"));
        }
    }

    private void note(String what, long nanos) {
        measured.computeIfAbsent(what, none -> new ArrayList<>()).add(nanos);
    }

    private void report(int round) {
        System.out.println("--- after " + round + " rounds");
        measured.forEach((what, times) ->
                System.out.println(what + ": " + times.size() + " times, " + Percentiles.summary(times)));
    }
}
