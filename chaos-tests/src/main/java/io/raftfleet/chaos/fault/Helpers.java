package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Commands;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Programs in C that do what Java can't: built when they are needed, with the host's compiler. */
final class Helpers {
    private Helpers() {}

    /**
     * Builds a program from a source that is among this package's resources.
     *
     * @param flags libraries to link with
     * @return the program
     * @throws IllegalStateException when there is no compiler, or a header is missing
     */
    static Path build(String name, Path dir, List<String> flags) {
        try (var source = Helpers.class.getResourceAsStream(name + ".c")) {
            if (source == null) {
                throw new IllegalStateException("no source of " + name + " in this program");
            }
            var file = dir.resolve(name + ".c");
            Files.write(file, source.readAllBytes());
            var program = dir.resolve(name);
            var command = new ArrayList<>(List.of("gcc", "-O2", "-Wall", "-o", program.toString(), file.toString()));
            command.addAll(flags);
            var unused = Commands.run(command);
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(name + " can't be built", e);
        }
    }
}
