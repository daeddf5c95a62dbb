package io.raftfleet.bench;

import io.raftfleet.bench.result.Findings;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What benchmarks that take the leader away can be told. */
final class LeaderChangeOptions {
    @Option(names = "--units", description = "Running units (${DEFAULT-VALUE}).")
    int units = 1000;

    @Option(names = "--machines", description = "Machines, each with a session (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(names = "--systemd", description = "Machines with a real systemd each, where this host can run them.")
    boolean systemd;

    @Option(
            names = "--warm-writes",
            description = "Writes a round through the engine that came back (${DEFAULT-VALUE}).")
    int warmWrites = 200;

    @Option(
            names = "--election",
            split = "-",
            paramLabel = "MIN-MAX",
            defaultValue = "500-1000",
            description = "Election timeout in milliseconds (${DEFAULT-VALUE}, as an engine has it by itself).")
    List<Integer> election = List.of();

    /** Takes the leader away, and notes what with. */
    void run(LeaderChanges.Fault fault, ReportOptions options, Findings findings) {
        findings.setting("fault", fault.name().toLowerCase(Locale.ROOT));
        findings.setting("units", units);
        findings.setting("machines", machines + (systemd ? " with systemd" : " in memory"));
        findings.setting("election", election.getFirst() + "-" + election.getLast() + " ms");
        var settings = new LeaderChanges.Settings(
                fault,
                units,
                machines,
                systemd,
                warmWrites,
                Duration.ofMillis(election.getFirst()),
                Duration.ofMillis(election.getLast()));
        new LeaderChanges(settings).run(options.warm, options.rounds, findings);
    }
}
