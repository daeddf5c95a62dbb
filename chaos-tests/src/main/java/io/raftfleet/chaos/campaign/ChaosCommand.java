package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.report.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bin/fleet chaos}. Exit codes: 0 all promises kept, 1 one broken, 2 the campaign could not be run. */
@Command(
        name = "fleet chaos",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Puts a cluster of its own under faults and checks that it keeps its promises.")
public final class ChaosCommand implements Callable<Integer> {
    private static final int BROKEN = 1;
    private static final int NOT_RUN = 2;

    @Spec
    @Nullable
    CommandSpec spec;

    @Option(names = "--seed", paramLabel = "S", description = "Of the faults and of what clients do (random).")
    @Nullable
    Long seed;

    @Option(names = "--minutes", paramLabel = "M", description = "How long to inject faults (${DEFAULT-VALUE}).")
    double minutes = 5;

    @Option(names = "--rounds", paramLabel = "N", description = "End after so many rounds of faults, too.")
    int rounds;

    @Option(
            names = "--faults",
            paramLabel = "KIND,...",
            split = ",",
            description = "Only these: kill, pause, stop, hand-over, agent-kill, agent-pause, bus-restart, partition,"
                    + " one-way, loss, delay, power-loss, slow-disk, full-disk, lost-disk, corrupt-tail,"
                    + " corrupt-middle, clock-jump, etcd-kill, etcd-pause, etcd-wipe (all).")
    List<String> faults = List.of();

    @Option(names = "--machines", paramLabel = "N", description = "How many machines (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(
            names = "--unit-manager",
            paramLabel = "systemd|hollow",
            description = "What runs units (systemd where machines with one can run, else hollow).")
    @Nullable
    String unitManager;

    @Option(
            names = "--single-namespace",
            description = "All processes on this host's own network, file system and clock.")
    boolean singleNamespace;

    @Option(names = "--one-at-a-time", description = "Never several faults at once.")
    boolean oneAtATime;

    @Option(names = "--steady", paramLabel = "N", description = "Units that run all the time (${DEFAULT-VALUE}).")
    int steady = 20;

    @Option(names = "--out", paramLabel = "DIR", description = "For history, report and logs (${DEFAULT-VALUE}).")
    Path out = Path.of("chaos-report");

    /** Runs a campaign. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ChaosCommand())
                .setExitCodeExceptionMapper(failure -> NOT_RUN)
                .execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        var terminal = spec.commandLine().getOut();
        var options = new CampaignOptions(
                seed == null ? ThreadLocalRandom.current().nextLong(1, 1_000_000) : seed,
                Duration.ofMillis((long) (minutes * 60_000)),
                rounds,
                faults,
                machines,
                hollow(),
                !singleNamespace,
                !oneAtATime,
                steady,
                out.toAbsolutePath());
        say(terminal, "Seed " + options.seed() + ". To replay: " + options.command());
        var result = new Campaign(options, line -> say(terminal, line)).run();
        var page = options.out().resolve("report.html");
        Files.writeString(page, Report.page(result.history(), result.findings()));
        result.findings().forEach(finding -> {
            say(
                    terminal,
                    (finding.passed() ? "kept    " : finding.examined() == 0 ? "UNSEEN  " : "BROKEN  ")
                            + finding.promise() + " (" + finding.examined() + " examined"
                            + (finding.unexamined().isEmpty() ? "" : "; not examined: " + finding.unexamined()) + ")");
            finding.violations().stream().limit(5).forEach(violation -> say(terminal, "        " + violation.what()));
        });
        int faultsInjected =
                result.injected().values().stream().mapToInt(Integer::intValue).sum();
        say(terminal, faultsInjected + " faults: " + result.injected());
        if (!result.skipped().isEmpty()) {
            say(terminal, "Skipped: " + result.skipped());
        }
        say(terminal, "Report: " + page);
        say(terminal, result.passed() ? "PASSED" : "FAILED. To replay: " + options.command());
        return result.passed() ? 0 : BROKEN;
    }

    private boolean hollow() {
        var manager = unitManager;
        if (manager == null) {
            return !Cluster.systemdObstacle().isEmpty();
        }
        return switch (manager) {
            case "systemd" -> false;
            case "hollow" -> true;
            default -> throw new IllegalArgumentException("--unit-manager " + manager + ": it is systemd or hollow");
        };
    }

    private static void say(PrintWriter terminal, String line) {
        terminal.println(line);
        terminal.flush();
    }
}
