package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
        var safepoints = System.getProperty(ProcessMeter.SAFEPOINTS);
        if (safepoints != null) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(Path.of(safepoints))));
        }
        System.exit(commandLine().execute(args));
    }

    /** A directory of files; it may be gone. */
    private static void delete(Path directory) {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            System.err.println(directory + " is left: " + e.getMessage());
        }
    }

    static CommandLine commandLine() {
        return new CommandLine(new BenchCommand()).setCaseInsensitiveEnumValuesAllowed(true);
    }
}
