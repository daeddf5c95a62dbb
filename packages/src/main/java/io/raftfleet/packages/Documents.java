package io.raftfleet.packages;

import io.raftfleet.agent.main.FleetAgent;
import io.raftfleet.engine.server.EngineMain;
import io.raftfleet.fleetctl.Fleetctl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.AutoComplete;
import picocli.CommandLine;

/** Writes manual pages and completions of all programs. */
public final class Documents {
    private Documents() {}

    /** A program, and the section of the manual that it belongs to. */
    private record Program(int section, CommandLine model) {}

    /** Arguments: directory to write to; the version, for the pages' feet. */
    public static void main(String[] arguments) throws IOException {
        write(Path.of(arguments[0]), arguments[1]);
    }

    static void write(Path directory, String version) throws IOException {
        var programs = List.of(
                new Program(1, Fleetctl.model()),
                new Program(8, EngineMain.commandLine()),
                new Program(8, FleetAgent.commandLine()));
        for (var program : programs) {
            var spec = program.model().getCommandSpec();
            var page = ManualPage.of(spec, program.section(), version);
            put(directory.resolve("man/" + spec.name() + "." + program.section()), page);
            // Read by shells, never run.
            var completion = AutoComplete.bash(spec.name(), program.model()).replaceFirst("^#!.*\n", "");
            boolean named = spec.name().equals("fleetctl");
            put(directory.resolve("bash/" + spec.name()), completion + (named ? NameCompletion.BASH : ""));
            // The same: it turns bash's way of completion on by itself.
            put(
                    directory.resolve("zsh/_" + spec.name()),
                    "#compdef " + spec.name() + "\n" + completion + (named ? NameCompletion.ZSH : ""));
            put(
                    directory.resolve("fish/" + spec.name() + ".fish"),
                    FishCompletion.of(spec) + (named ? NameCompletion.FISH : ""));
        }
    }

    private static void put(Path file, String text) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, text);
    }
}
