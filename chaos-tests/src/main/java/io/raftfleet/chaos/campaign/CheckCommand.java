package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.check.Checks;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.report.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bin/fleet chaos check}. Exit codes as a campaign's: 2 for a file that is no whole history. */
@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = "Runs the checks of a campaign on its saved history.")
final class CheckCommand implements Callable<Integer> {
    @Spec
    @Nullable
    CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The history.jsonl of a campaign.")
    Path file = Path.of("history.jsonl");

    @Option(names = "--report", paramLabel = "PAGE", description = "Write the report to this file, too.")
    @Nullable
    Path page;

    @Override
    public Integer call() throws IOException {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        var terminal = spec.commandLine().getOut();
        var history = History.read(file);
        var began = history.began();
        ChaosCommand.say(
                terminal,
                "Seed " + began.seed() + ", begun " + began.wallClock() + ", format " + began.format() + ": "
                        + history.events().size() + " events, "
                        + history.operations().size() + " operations");
        var findings = Checks.run(history);
        ChaosCommand.tell(terminal, findings);
        ChaosCommand.tellSkipped(
                terminal,
                history.all(Event.Skipped.class)
                        .collect(Collectors.toMap(
                                Event.Skipped::fault, Event.Skipped::why, (one, other) -> other, TreeMap::new)));
        if (page != null) {
            Files.writeString(page, Report.page(history, findings));
        }
        boolean passed = findings.stream().allMatch(Finding::passed);
        ChaosCommand.say(terminal, passed ? "PASSED" : "FAILED. To replay: " + began.command());
        return passed ? 0 : ChaosCommand.BROKEN;
    }
}
