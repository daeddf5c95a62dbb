package io.raftfleet.fleetctl;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What one run of fleetctl in this process returned and printed. */
record Result(int exit, String out, String err) {
    /** Runs a command against a cluster, without the wait for units to stay up unless the arguments ask for it. */
    static Result of(InMemoryCluster cluster, Path directory, Map<String, String> environment, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var variables = new HashMap<>(environment);
        variables.putIfAbsent("FLEETCTL_STAY_UP", "0");
        var all = new ArrayList<>(List.of("--request-timeout=30", "--endpoint", cluster.endpoints()));
        all.addAll(List.of(arguments));
        int exit = Fleetctl.run(
                new Terminal(
                        InputStream.nullInputStream(),
                        new PrintStream(out, false, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        variables,
                        directory,
                        false),
                all.toArray(String[]::new));
        return new Result(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
