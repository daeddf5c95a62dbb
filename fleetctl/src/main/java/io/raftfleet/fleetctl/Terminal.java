package io.raftfleet.fleetctl;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/**
 * The world around one run of fleetctl.
 *
 * @param in where a token may come from
 * @param out results; buffered, so it is flushed before waiting and at the end
 * @param err what went wrong, warnings and progress; unbuffered
 * @param environment variables
 * @param directory where relative paths of unit files start
 * @param screen whether results go to a terminal
 * @param interactive whether a person watches: both streams are a terminal
 */
record Terminal(
        InputStream in,
        PrintStream out,
        PrintStream err,
        Map<String, String> environment,
        Path directory,
        boolean screen,
        boolean interactive) {
    /** Both streams are a terminal, or none is. */
    Terminal(
            InputStream in,
            PrintStream out,
            PrintStream err,
            Map<String, String> environment,
            Path directory,
            boolean interactive) {
        this(in, out, err, environment, directory, interactive, interactive);
    }

    /** The same with other streams. */
    Terminal with(PrintStream results, PrintStream errors) {
        return new Terminal(in, results, errors, environment, directory, screen, interactive);
    }
}
