package io.raftfleet.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code bin/fleet bench}: a sub-command a benchmark. */
@Command(
        name = "bin/fleet bench",
        mixinStandardHelpOptions = true,
        scope = CommandLine.ScopeType.INHERIT,
        synopsisSubcommandLabel = "NAME",
        description = "Measures one thing on real processes.",
        subcommands = {
            StartCommand.class,
            SystemdCommand.class,
            FailoverCommand.class,
            HandoverCommand.class,
            IdleCommand.class,
            ListCommand.class,
            ScaleCommand.class,
            ChurnCommand.class,
            StormCommand.class,
            CheckpointCommand.class,
            ReportCommand.class
        })
public final class BenchCommand {
    private BenchCommand() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new BenchCommand()).setCaseInsensitiveEnumValuesAllowed(true);
    }
}
