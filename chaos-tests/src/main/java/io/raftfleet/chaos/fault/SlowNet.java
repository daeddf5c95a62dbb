package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Namespaces;
import io.raftfleet.chaos.cluster.Needs;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Delays packets that arrive at a host, each for a time of its own, and so reorders them: the kernel queues them to a program,
 * {@code slownet}, which lets them go later. Guarded by its own monitor.
 */
final class SlowNet {
    private static final Duration START_LIMIT = Duration.ofSeconds(10);

    private final Map<String, Process> running = new HashMap<>();
    private final String obstacle;
    private final @Nullable Path program;

    SlowNet(Path dir) {
        Path built = null;
        var missing = Needs.programs("gcc");
        var why = missing;
        try {
            built = Helpers.build("slownet", dir, List.of("-lnetfilter_queue"));
        } catch (IllegalStateException | UncheckedIOException e) {
            why = missing.isEmpty() ? Needs.explained(String.valueOf(e.getMessage())) : missing;
        }
        program = built;
        obstacle = why;
    }

    String obstacle() {
        return obstacle;
    }

    synchronized void begin(Namespaces network, String host, List<String> others, int least, int most) {
        var command = new ArrayList<>(network.prefix(host));
        command.addAll(List.of(String.valueOf(program), Integer.toString(least), Integer.toString(most)));
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            running.put(host, process);
            var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            var said = Await.get("slownet is ready", START_LIMIT, () -> {
                try {
                    return Optional.ofNullable(out.readLine());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            if (!said.equals("ready")) {
                throw new IllegalStateException("slownet on " + host + ": " + said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("slownet can't be run", e);
        }
        others.forEach(other -> network.insert(host, rule(network, other)));
    }

    synchronized void end(Namespaces network, String host, List<String> others) {
        var process = running.remove(host);
        if (process != null) {
            others.forEach(other -> network.delete(host, rule(network, other)));
            process.destroy();
        }
    }

    private static List<String> rule(Namespaces network, String other) {
        return List.of("-s", network.address(other), "-j", "NFQUEUE", "--queue-num", "0", "--queue-bypass");
    }
}
