package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.ProcessUse;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a cluster costs while its units run and nothing happens. Starts a cluster of its own. */
@Command(name = "idle", description = "Processor time and memory while nothing happens.")
final class IdleCommand extends Benchmark {
    private static final double LEADER_PERCENT = 1;
    private static final double FOLLOWER_PERCENT = 0.3;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    // As engines have them where nobody says otherwise: nearly all that is done while nothing happens is done by them.
    private static final Duration TTL = Duration.ofSeconds(30);
    private static final Duration ELECTION_MIN = Duration.ofMillis(500);
    private static final Duration ELECTION_MAX = Duration.ofSeconds(1);

    @Option(names = "--units", description = "Running units (${DEFAULT-VALUE}).")
    int units = 20_000;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 100;

    @Option(names = "--agents", description = "Processes that these are (${DEFAULT-VALUE}).")
    int agents = 4;

    @Option(names = "--seconds", description = "Length of a round (${DEFAULT-VALUE}).")
    int seconds = 60;

    private final Medians percent = new Medians();

    IdleCommand() {
        super(3, 1);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("units", units);
        findings.setting("machines", machines + " in memory, in " + agents + " processes");
        findings.setting("seconds a round", seconds);
        findings.setting(
                "timeouts",
                "agents " + TTL.toSeconds() + " s, elections " + ELECTION_MIN.toMillis() + " to "
                        + ELECTION_MAX.toMillis() + " ms, as by default");
        var cluster = ClusterOptions.of("bench-idle").withAgentTtl(TTL).withElection(ELECTION_MIN, ELECTION_MAX);
        for (int i = 0; i < agents; i++) {
            int share = machines / agents + (i < machines % agents ? 1 : 0);
            cluster = cluster.with(AgentSpec.hollow("agent" + (i + 1), share));
        }
        try (var running = Cluster.start(cluster)) {
            BulkUnits.start(running.client(), BulkUnits.names("idle", units));
            var leader = running.awaitLeader(LIMIT).id();
            List<ProcessUse> uses = List.of();
            for (int round = 1; round <= options.warm + options.rounds; round++) {
                var meter = ProcessMeter.start(running);
                long begin = System.nanoTime();
                TimeUnit.SECONDS.sleep(seconds);
                uses = meter.used();
                double passed = (System.nanoTime() - begin) / 1e9;
                if (round > options.warm) {
                    uses.forEach(use -> percent.add(use.name(), 100 * use.cpuSeconds() / passed));
                }
                say("round %d of %d", round, options.warm + options.rounds);
            }
            if (!running.awaitLeader(LIMIT).id().equals(leader)) {
                throw new IllegalStateException("the leader changed meanwhile: something happened");
            }
            report(findings, leader, uses);
        }
    }

    private void report(Findings findings, String leader, List<ProcessUse> uses) {
        var kept = new ArrayList<ProcessUse>();
        for (var use : uses) {
            if (use.name().equals("client")) {
                continue;
            }
            kept.add(use);
            double cpu = percent.of(use.name());
            var what = use.name() + ", ";
            if (use.name().equals(leader)) {
                findings.add(Row.atMost(what + "the leader", cpu, "% of a core", LEADER_PERCENT));
            } else if (use.name().startsWith("agent")) {
                findings.add(Row.of(what + "an agent", cpu, "% of a core"));
            } else {
                findings.add(Row.atMost(what + "a follower", cpu, "% of a core", FOLLOWER_PERCENT));
            }
        }
        kept.forEach(use -> findings.add(Row.of(use.name() + ", memory (PSS)", use.pssMib(), "MiB")));
        findings.used(kept);
    }
}
