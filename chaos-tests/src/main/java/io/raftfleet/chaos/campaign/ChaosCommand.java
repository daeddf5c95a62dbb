package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.report.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bin/fleet chaos}. Exit codes: 0 all promises kept, 1 one broken, 2 it could not be run. */
@Command(
        name = "fleet chaos",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        subcommands = {CheckCommand.class, HostileCommand.class, NightlyCommand.class},
        description = "Puts a cluster of its own under faults and checks that it keeps its promises.")
public final class ChaosCommand implements Callable<Integer> {
    static final int BROKEN = 1;
    private static final int NOT_RUN = 2;
    private static final int MOST_VIOLATIONS = 5;

    @Spec
    @Nullable
    CommandSpec spec;

    @Option(names = "--seed", paramLabel = "S", description = "Of the faults and of what clients do (random).")
    @Nullable
    Long seed;

    @Mixin
    CampaignArguments arguments = new CampaignArguments();

    /** Runs a campaign, or one of the other commands. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** What fails tells so in one line; whatever nobody thought of, with its stack trace. */
    static CommandLine commandLine() {
        return new CommandLine(new ChaosCommand()).setExecutionExceptionHandler((failure, command, parsed) -> {
            if (failure instanceof IOException || failure instanceof IllegalArgumentException) {
                command.getErr().println("fleet chaos: " + failure.getMessage());
            } else {
                failure.printStackTrace(command.getErr());
            }
            return NOT_RUN;
        });
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        var terminal = spec.commandLine().getOut();
        long chosen = seed == null ? randomSeed() : seed;
        var dir = Evidence.fresh(arguments.out.toAbsolutePath(), chosen, LocalDateTime.now(ZoneId.systemDefault()));
        var options = arguments.options(chosen, dir);
        say(terminal, "Seed " + chosen + ". To replay: " + options.command());
        say(terminal, "Directory: " + dir);
        var result = new Campaign(options, line -> say(terminal, line)).run();
        var page = dir.resolve("report.html");
        Files.writeString(page, Report.page(result.history(), result.findings()));
        tell(terminal, result.findings());
        int faultsInjected =
                result.injected().values().stream().mapToInt(Integer::intValue).sum();
        say(terminal, faultsInjected + " faults: " + result.injected());
        tellSkipped(terminal, result.skipped());
        say(terminal, "Report: " + page);
        say(terminal, result.passed() ? "PASSED" : "FAILED. To replay: " + options.command());
        return result.passed() ? 0 : BROKEN;
    }

    static long randomSeed() {
        return ThreadLocalRandom.current().nextLong(1, 1_000_000_000);
    }

    /** A line for each promise, and some of what broke it. */
    static void tell(PrintWriter terminal, List<Finding> findings) {
        findings.forEach(finding -> {
            say(
                    terminal,
                    (finding.passed() ? "kept    " : finding.examined() == 0 ? "UNSEEN  " : "BROKEN  ")
                            + finding.promise() + " (" + finding.examined() + " examined"
                            + (finding.unexamined().isEmpty() ? "" : "; not examined: " + finding.unexamined()) + ")");
            finding.violations().stream()
                    .limit(MOST_VIOLATIONS)
                    .forEach(violation -> say(terminal, "        " + violation.what()));
        });
    }

    /** A line for each kind of fault that could not be injected, with what would help. */
    static void tellSkipped(PrintWriter terminal, Map<String, String> skipped) {
        skipped.forEach((kind, why) -> say(terminal, "skipped " + kind + ": " + why));
    }

    static void say(PrintWriter terminal, String line) {
        terminal.println(line);
        terminal.flush();
    }
}
