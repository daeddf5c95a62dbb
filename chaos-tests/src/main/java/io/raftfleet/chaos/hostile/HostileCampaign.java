package io.raftfleet.chaos.hostile;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.cluster.NotInTimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/** One hostile campaign, from an empty cluster to its findings. Used by one thread. */
public final class HostileCampaign {
    private static final Duration TTL = Duration.ofSeconds(10);
    /** What engines hold is compared from then on: by then each has done everything once. */
    private static final long WARM_UP_MS = 4_000;

    private static final Duration READY_LIMIT = Duration.ofSeconds(60);
    /** For connections to be given up, and buffers to be given back. */
    private static final Duration QUIET_LIMIT = Duration.ofSeconds(30);

    private final HostileOptions options;
    private final Consumer<String> progress;
    private volatile String current = "the warm-up";

    /**
     * How it went.
     *
     * @param attacks by kind
     * @param notes figures for people
     */
    public record Result(List<Finding> findings, Map<String, AttackerProcess.Tried> attacks, List<String> notes) {
        /** Whether every promise was looked at and kept. */
        public boolean passed() {
            return findings.stream().allMatch(Finding::passed);
        }
    }

    /** @param progress told what happens, a line at a time */
    public HostileCampaign(HostileOptions options, Consumer<String> progress) {
        this.options = options;
        this.progress = progress;
        options.kinds().stream()
                .filter(kind -> !kinds().contains(kind))
                .findFirst()
                .ifPresent(kind -> {
                    throw new IllegalArgumentException(
                            "no attack \"" + kind + "\": there are " + String.join(", ", kinds()));
                });
    }

    /** All kinds of attacks. */
    public static List<String> kinds() {
        return Attackers.kinds();
    }

    /**
     * Runs it.
     *
     * @param dir for the cluster's data, short; the caller's to remove
     */
    public Result run(Path dir) throws IOException, InterruptedException {
        var logs = Files.createDirectories(options.out().resolve("logs"));
        progress.accept("Starting 3 engines and 2 machines ...");
        var chosen = ClusterOptions.of("hostile")
                .withAgentTtl(TTL)
                .withElection(options.election(), options.election().multipliedBy(2))
                .with(AgentSpec.hollow("a1", 2))
                .at(dir, logs);
        try (var cluster = Cluster.start(chosen);
                var attackers = attackers(cluster, logs);
                var bystander = new Bystander(cluster.engines(), () -> current)) {
            TimeUnit.MILLISECONDS.sleep(WARM_UP_MS);
            var before =
                    perEngine(cluster, engine -> Footprint.of(engine, logs.resolve(engine.id() + "-before.histogram")));
            cluster.awaitReady(READY_LIMIT);
            return attacked(cluster, attackers, bystander, before);
        }
    }

    private AttackerProcess attackers(Cluster cluster, Path logs) throws IOException, InterruptedException {
        cluster.awaitReady(READY_LIMIT);
        return AttackerProcess.start(options, cluster, logs.resolve("attackers.log"));
    }

    private Result attacked(
            Cluster cluster, AttackerProcess attackers, Bystander bystander, Map<String, Footprint> before)
            throws IOException, InterruptedException {
        try (var watchman = new Watchman(cluster, cluster.awaitLeader(READY_LIMIT), () -> current)) {
            bystander.count();
            var tried = attackers.attack(round -> {
                current = round;
                progress.accept(round);
            });
            current = "the quiet afterwards";
            var findings = new ArrayList<Finding>();
            findings.add(bystander.end());
            findings.add(comesBack(cluster));
            findings.addAll(watchman.findings());
            var after = footprints(cluster, before, options.out().resolve("logs"));
            findings.add(Footprint.compare(before, after));
            findings.add(
                    LogLines.check(perEngine(cluster, engine -> engine.daemon().log())));
            var notes = new ArrayList<String>();
            notes.add("bystanders made, read and destroyed a unit in %.1f ms at the 99th percentile"
                    .formatted(bystander.p99()));
            before.forEach((engine, was) -> notes.add(engine + " before: " + was + "; after: " + after.get(engine)));
            return new Result(findings, tried, notes);
        }
    }

    private static Finding comesBack(Cluster cluster) {
        var promise = "afterwards all engines hold the same registry, and all honest machines are there";
        try {
            cluster.awaitReady(READY_LIMIT);
            cluster.awaitEqual(READY_LIMIT);
            return new Finding(promise, 1, "", List.of());
        } catch (NotInTimeException | AssertionError e) {
            return new Finding(promise, 1, "", List.of(new Violation(String.valueOf(e.getMessage()), 0, List.of())));
        }
    }

    /** The last ones, or the first that are as before. */
    private static Map<String, Footprint> footprints(Cluster cluster, Map<String, Footprint> before, Path logs) {
        var last = new TreeMap<String, Footprint>();
        try {
            Await.until("engines give back what they hold", QUIET_LIMIT, () -> {
                last.clear();
                last.putAll(perEngine(
                        cluster, engine -> Footprint.of(engine, logs.resolve(engine.id() + "-after.histogram"))));
                return Footprint.compare(before, last).violations().isEmpty();
            });
        } catch (NotInTimeException e) {
            // What was seen last tells.
        }
        return last;
    }

    private static <T> Map<String, T> perEngine(Cluster cluster, Function<EngineNode, T> what) {
        return cluster.engines().stream()
                .collect(Collectors.toMap(EngineNode::id, what, (one, other) -> one, TreeMap::new));
    }
}
