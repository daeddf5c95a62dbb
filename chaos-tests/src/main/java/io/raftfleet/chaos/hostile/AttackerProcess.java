package io.raftfleet.chaos.hostile;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.BufferedReader;
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

/**
 * {@link Attackers} in a process of their own, which has spoken with an engine before the first attack: on a busy machine a Java machine that
 * has loaded nothing yet reaches no engine in the time of a whole attack. Used by one thread.
 */
final class AttackerProcess implements AutoCloseable {
    private static final long READY_MS = 120_000;
    /** Beyond what its attacks may take. */
    private static final long GRACE_MS = 60_000;

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

    private final HostileOptions options;
    private final Path log;
    private final Process process;
    private final BufferedReader lines;

    private AttackerProcess(HostileOptions options, Path log, Process process) {
        this.options = options;
        this.log = log;
        this.process = process;
        lines = process.inputReader(StandardCharsets.UTF_8);
    }

    /**
     * Returns when it is ready to attack.
     *
     * @param log what the process has to say of itself
     * @throws IllegalStateException when the process ends, or reaches no engine in two minutes
     */
    static AttackerProcess start(HostileOptions options, Cluster cluster, Path log)
            throws IOException, InterruptedException {
        var process = new ProcessBuilder(command(options, cluster))
                .redirectError(log.toFile())
                .start();
        var attackers = new AttackerProcess(options, log, process);
        try {
            attackers.endIn(READY_MS, () -> {
                if (!Attackers.READY.equals(attackers.lines.readLine())) {
                    throw attackers.endedEarly();
                }
            });
            return attackers;
        } catch (IOException | InterruptedException | RuntimeException e) {
            attackers.close();
            throw e;
        }
    }

    /**
     * Returns when all attacks are over.
     *
     * @param began told each round's kind and number as it begins
     * @return by kind
     * @throws IllegalStateException when the process ends early
     */
    Map<String, Tried> attack(Consumer<String> began) throws IOException, InterruptedException {
        var tried = new TreeMap<String, Tried>();
        endIn(limitMs(), () -> {
            process.getOutputStream().close(); // which they wait for
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
                throw endedEarly();
            }
        });
        return tried;
    }

    private interface Part {
        void pass() throws IOException, InterruptedException;
    }

    /** Ends the process, and with it what waits for its lines, when the part takes longer. */
    private void endIn(long millis, Part part) throws IOException, InterruptedException {
        var end = CompletableFuture.runAsync(
                process::destroyForcibly, CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS));
        try {
            part.pass();
        } finally {
            end.cancel(false);
        }
    }

    private IllegalStateException endedEarly() throws InterruptedException {
        return new IllegalStateException(
                "the attackers' process ended early, with " + process.waitFor() + ": see " + log);
    }

    /** What all attacks take when none reaches an engine before its patience ends, and a little more. */
    private long limitMs() {
        return options.length().toMillis()
                + Attackers.longestMs(options.each()) * Attackers.kinds().size()
                + GRACE_MS;
    }

    @Override
    public void close() {
        process.destroyForcibly();
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
