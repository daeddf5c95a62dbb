package io.raftfleet.chaos.hostile;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Runs {@link Attackers} in a process of their own. Used by one thread. */
final class AttackerProcess {
    private static final long GRACE_MS = 120_000;

    /**
     * How often a kind was tried.
     *
     * @param reached how often an engine took a connection or a call of it
     */
    record Tried(int rounds, long reached) {
        Tried plus(Tried other) {
            return new Tried(rounds + other.rounds, reached + other.reached);
        }

        @Override
        public String toString() {
            return rounds + " (" + reached + ")";
        }
    }

    private AttackerProcess() {}

    /**
     * Returns when all attacks are over.
     *
     * @param log what the process has to say of itself
     * @param began told each round's kind and number as it begins
     * @return by kind
     * @throws IllegalStateException when the process ends early
     */
    static Map<String, Tried> run(HostileOptions options, Cluster cluster, Path log, Consumer<String> began)
            throws IOException, InterruptedException {
        var process = new ProcessBuilder(command(options, cluster))
                .redirectError(log.toFile())
                .start();
        try (var lines = process.inputReader(StandardCharsets.UTF_8)) {
            process.getOutputStream().close();
            CompletableFuture.delayedExecutor(limitMs(options), TimeUnit.MILLISECONDS)
                    .execute(process::destroyForcibly);
            var tried = new TreeMap<String, Tried>();
            int round = 0;
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                var words = line.split(" ", -1);
                if (words[0].equals(Attackers.BEGAN)) {
                    began.accept(words[1] + ", round " + round++);
                } else if (words[0].equals(Attackers.ENDED)) {
                    tried.merge(words[1], new Tried(1, Long.parseLong(words[2])), Tried::plus);
                }
            }
            if (process.waitFor() != 0) {
                throw new IllegalStateException(
                        "the attackers' process ended early, with " + process.exitValue() + ": see " + log);
            }
            return tried;
        } finally {
            process.destroyForcibly();
        }
    }

    /** Of a process that hangs. */
    private static long limitMs(HostileOptions options) {
        return options.length().toMillis()
                + options.each().toMillis() * Attackers.kinds().size()
                + GRACE_MS;
    }

    /** With less of the processors than engines and bystanders: attackers have machines of their own. */
    private static List<String> command(HostileOptions options, Cluster cluster) {
        var command = new ArrayList<>(List.of(
                "nice",
                "-n",
                "10",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx1g",
                "-XX:MaxDirectMemorySize=1500m",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                Attackers.class.getName()));
        command.addAll(Attackers.arguments(
                options,
                cluster.clusterId(),
                cluster.agents().getFirst().machineIds(),
                cluster.engines().stream().map(EngineNode::addresses).toList()));
        return command;
    }
}
