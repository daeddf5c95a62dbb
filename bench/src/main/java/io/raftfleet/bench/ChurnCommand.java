package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.client.FleetClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Starts units and destroys them at half of the rate that the cluster reached while it was warmed, for hours, with a restart in order of each
 * process in turn if so told: latency from each start's own time, memory, disk and what the registry holds are to be as at the beginning.
 * Starts a cluster of its own.
 */
@Command(name = "churn", description = "Hours of starts at half of capacity, and whether all stays flat.")
final class ChurnCommand extends Benchmark {
    private static final int CLIENTS = 8;
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @Option(names = "--minutes", description = "How long it takes (${DEFAULT-VALUE}).")
    int minutes = 120;

    @Option(names = "--units", description = "Units at a time (${DEFAULT-VALUE}).")
    int units = 3000;

    @Option(names = "--machines", description = "Machines in memory (${DEFAULT-VALUE}).")
    int machines = 100;

    @Option(names = "--agents", description = "Processes that these are (${DEFAULT-VALUE}).")
    int agents = 4;

    @Option(names = "--sample", description = "Seconds from one sample to the next (${DEFAULT-VALUE}).")
    int sample = 10;

    @Option(names = "--restarts", description = "Each process in turn is restarted, one a minute.")
    boolean restarts;

    /** Rounds are the parts of the time of which the last is compared with the first. */
    ChurnCommand() {
        super(4, 3);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("minutes", minutes);
        findings.setting("units at a time", units);
        findings.setting("machines", machines + " in memory, in " + agents + " processes");
        findings.setting("restarts", restarts ? "each process in turn, one a minute" : "none");
        var plan = ClusterOptions.of("bench-churn");
        for (int i = 0; i < agents; i++) {
            plan = plan.with(AgentSpec.hollow("agent" + (i + 1), machines / agents + (i < machines % agents ? 1 : 0)));
        }
        try (var cluster = Cluster.start(plan)) {
            double capacity = capacity(cluster);
            findings.add(Row.of("capacity, one unit a request, " + CLIENTS + " clients", capacity, "units/s"));
            // A tick starts one and destroys one.
            double rate = capacity / 4;
            findings.add(Row.of("starts at half of it, with as many destructions", rate, "units/s"));
            churn(cluster, rate, findings);
        }
    }

    private double capacity(Cluster cluster) throws Exception {
        var engines = cluster.engines().stream().map(cluster::client).toList();
        double best = 0;
        for (int i = 1; i <= options.warm; i++) {
            var result = StartRound.overGrpc(cluster.client(), engines, CLIENTS).run("warm" + i + "-", units);
            best = Math.max(best, units / result.seconds());
            BulkUnits.destroyAll(cluster.client(), result.names());
        }
        return best;
    }

    private void churn(Cluster cluster, double rate, Findings findings) throws InterruptedException {
        var meter = ProcessMeter.start(cluster);
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
        var load = new ChurnLoad(cluster.client(), clients(cluster), units, rate);
        var samples = new ChurnSamples(cluster);
        var processes = processes(cluster);
        int restarted = 0;
        long lastRestart = System.nanoTime();
        try (load) {
            while (System.nanoTime() < end) {
                TimeUnit.SECONDS.sleep(sample);
                samples.take(load.lately());
                if (restarts && System.nanoTime() - lastRestart >= TimeUnit.MINUTES.toNanos(1)) {
                    processes.get(restarted++ % processes.size()).run();
                    cluster.awaitReady(LIMIT);
                    lastRestart = System.nanoTime();
                }
            }
        }
        findings.used(meter.used());
        findings.add(Row.of("processes restarted", restarted, ""));
        findings.add(Row.atMost("calls that failed", (double) load.failures(), "", 0));
        findings.add(Row.atMost("starts never seen active", load.open(), "", 0));
        samples.report(options.rounds, findings);
        findings.times("from a start's own time to active", load.all());
    }

    /** One for each engine, which goes to the others while that one is away. */
    private static List<FleetClient> clients(Cluster cluster) {
        var clients = new ArrayList<FleetClient>();
        for (int i = 0; i < cluster.engines().size(); i++) {
            var engines = new ArrayList<>(cluster.engines());
            Collections.rotate(engines, i);
            clients.add(cluster.client(engines));
        }
        return clients;
    }

    private static List<Runnable> processes(Cluster cluster) {
        return new ArrayList<>(Stream.concat(
                        cluster.engines().stream().map(engine -> (Runnable) () -> {
                            say("engine %s is restarted", engine.id());
                            engine.stop(LIMIT);
                            engine.start();
                        }),
                        cluster.agents().stream().map(agent -> (Runnable) () -> {
                            say("agent %s is restarted", agent.name());
                            agent.stop(LIMIT);
                            agent.start();
                        }))
                .toList());
    }
}
