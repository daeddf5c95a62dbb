package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.check.Checks;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.EtcdNode;
import io.raftfleet.chaos.cluster.Hosts;
import io.raftfleet.chaos.fault.FaultSource;
import io.raftfleet.chaos.fault.Faults;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.chaos.traffic.Contents;
import io.raftfleet.chaos.traffic.Traffic;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.unit.Fence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** One campaign, from an empty cluster to its findings. Used by one thread. */
public final class Campaign {
    private static final int ENGINES = 3;
    private static final Duration TTL = Duration.ofSeconds(10);
    private static final Duration STEADY_LIMIT = Duration.ofSeconds(60);
    private static final int FENCED = 2;
    /** Beyond the time after which a silent machine is lost. */
    private static final Duration BEYOND = Duration.ofSeconds(4);

    /** How a campaign ended. */
    public record Result(
            History history, List<Finding> findings, Map<String, Integer> injected, Map<String, String> skipped) {
        /** Whether every check examined something and found nothing. */
        public boolean passed() {
            return findings.stream().allMatch(Finding::passed);
        }
    }

    private final CampaignOptions options;
    private final Consumer<String> progress;
    private final UnaryOperator<Hosts> hosts;
    private final Map<String, String> skipped = new TreeMap<>();
    private final long began = System.nanoTime();

    /** @param progress told what happens, a line at a time */
    public Campaign(CampaignOptions options, Consumer<String> progress) {
        this(options, progress, UnaryOperator.identity());
    }

    /** @param hosts changes how processes are started: for a cluster that is broken on purpose */
    Campaign(CampaignOptions options, Consumer<String> progress, UnaryOperator<Hosts> hosts) {
        this.options = options;
        this.progress = progress;
        this.hosts = hosts;
    }

    /**
     * Runs it. The output directory gets the history as {@code history.jsonl} and each process' log below {@code logs}; and, unless
     * all went well, all that the processes had on their disks below {@code data}.
     */
    public Result run() throws IOException, InterruptedException {
        Files.createDirectories(options.out().resolve("logs"));
        var file = options.out().resolve("history.jsonl");
        return Evidence.gather(options.out(), scratch -> run(file, scratch), Result::passed, this::say);
    }

    private Result run(Path file, Path scratch) throws IOException, InterruptedException {
        Map<String, Integer> injected;
        try (var recorder = new Recorder(file)) {
            injected = observe(recorder, scratch);
            recorder.add(new Event.Ended(recorder.now()));
        }
        say("Checking ...");
        var history = History.read(file);
        return new Result(history, Checks.run(history), injected, skipped);
    }

    private Map<String, Integer> observe(Recorder recorder, Path scratch) throws IOException, InterruptedException {
        var agents = IntStream.rangeClosed(1, options.machines())
                .mapToObj(i -> "a" + i)
                .toList();
        var engines = IntStream.rangeClosed(1, ENGINES).mapToObj(i -> "e" + i).toList();
        boolean etcd = options.wantsEtcd() && EtcdNode.obstacle().isEmpty();
        try (var ground = Ground.prepare(options.separate(), etcd, engines, agents, scratch)) {
            say("Starting " + ENGINES + " engines and " + agents.size() + " machines" + (etcd ? ", and etcd" : "")
                    + " ...");
            var files = Files.createDirectory(scratch.resolve("c"));
            var chosen = cluster(agents)
                    .on(hosts.apply(ground))
                    .at(files, options.out().resolve("logs"));
            try (var cluster = Cluster.start(etcd ? chosen.withEtcd() : chosen)) {
                return observe(recorder, cluster, ground, scratch);
            }
        }
    }

    private ClusterOptions cluster(List<String> agents) {
        var cluster = ClusterOptions.of("chaos").withAgentTtl(TTL);
        for (int i = 0; i < agents.size(); i++) {
            cluster = cluster.with(
                    options.hollow()
                            ? AgentSpec.hollow(agents.get(i), 1)
                            : AgentSpec.systemd(agents.get(i), "127.0.0." + (11 + i)));
        }
        return cluster;
    }

    private Map<String, Integer> observe(Recorder recorder, Cluster cluster, Ground ground, Path scratch)
            throws InterruptedException {
        var steady = IntStream.rangeClosed(1, options.steady())
                .mapToObj(i -> "steady" + i + ".service")
                .toList();
        recorder.add(new Event.Began(
                recorder.now(),
                Event.FORMAT,
                options.seed(),
                options.command(),
                Instant.now().toString(),
                cluster.engines().stream().map(EngineNode::id).toList(),
                cluster.agents().stream().collect(Collectors.toMap(AgentNode::name, AgentNode::machineIds)),
                TTL.toMillis(),
                steady,
                options.hollow() ? "" : Contents.FENCED_NAMES,
                cluster.etcd().isPresent()));
        var sources = sources(
                recorder,
                Faults.of(
                        cluster,
                        ground.faults(),
                        scratch,
                        machine -> recorder.add(new Event.MachineCrashed(recorder.now(), machine))));
        try (var engineObserver = new EngineObserver(recorder, cluster.engines());
                var unitObserver = new UnitObserver(recorder, cluster.agents());
                var traffic = new Traffic(cluster, recorder, options.seed(), !options.hollow(), options.length())) {
            traffic.watch();
            var launched = new HashSet<>(traffic.launchSteady(options.steady()));
            if (!options.hollow()) {
                launched.addAll(traffic.launchFenced(FENCED));
            }
            awaitActive(cluster, launched);
            traffic.start();
            var rounds = new Rounds(
                    cluster,
                    recorder,
                    sources,
                    options.seed(),
                    options.combined(),
                    (options.hollow() ? TTL : TTL.plus(Fence.afterTtl(TTL))).plus(BEYOND),
                    line -> say("leader " + engineObserver.leader() + ", " + recorder.ops() + " operations: " + line));
            inject(rounds);
            say("Settling ...");
            traffic.stop();
            var settling = new Settling(cluster, recorder, () -> inMemory(unitObserver));
            if (settling.settle()) {
                traffic.lastReads();
            }
            settling.note();
            traffic.stopWatching();
            return rounds.injected();
        }
    }

    private static Map<String, Map<String, Running>> inMemory(UnitObserver observer) {
        var all = new HashMap<String, Map<String, Running>>();
        observer.running()
                .forEach(unit -> all.computeIfAbsent(unit.machine(), machine -> new HashMap<>())
                        .put(unit.unit(), unit));
        return all;
    }

    private void inject(Rounds rounds) throws InterruptedException {
        long end = System.nanoTime() + options.length().toNanos();
        for (int round = 1; System.nanoTime() < end && (options.rounds() == 0 || round <= options.rounds()); round++) {
            rounds.round(round);
            if (rounds.hopeless()) {
                say("The cluster does not come back: no more faults.");
                return;
            }
        }
    }

    private List<FaultSource> sources(Recorder recorder, List<FaultSource> all) {
        var kinds = all.stream().map(FaultSource::kind).toList();
        options.faults().stream()
                .filter(kind -> !kinds.contains(kind))
                .findFirst()
                .ifPresent(kind -> {
                    throw new IllegalArgumentException(
                            "no fault \"" + kind + "\": there are " + String.join(", ", kinds));
                });
        var usable = new ArrayList<FaultSource>();
        for (var source : all) {
            if (!options.faults().isEmpty() && !options.faults().contains(source.kind())) {
                continue;
            }
            if (source.obstacle().isEmpty()) {
                usable.add(source);
            } else {
                skipped.put(source.kind(), source.obstacle());
                recorder.add(new Event.Skipped(recorder.now(), source.kind(), source.obstacle()));
                say("Skipped: " + source.kind() + ": " + source.obstacle());
            }
        }
        if (usable.isEmpty()) {
            throw new IllegalArgumentException("none of these faults can be injected here: " + skipped);
        }
        return usable;
    }

    private static void awaitActive(Cluster cluster, Set<String> names) {
        Await.until("all " + names.size() + " steady units are active", STEADY_LIMIT, () -> {
            var active = cluster.client().listUnitStates(ListUnitStatesRequest.getDefaultInstance()).rows().stream()
                    .filter(state -> state.getActiveState().equals("active"))
                    .map(state -> state.getName())
                    .collect(Collectors.toSet());
            return active.containsAll(names);
        });
    }

    private void say(String line) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
        progress.accept("[%d:%02d] %s".formatted(seconds / 60, seconds % 60, line));
    }
}
