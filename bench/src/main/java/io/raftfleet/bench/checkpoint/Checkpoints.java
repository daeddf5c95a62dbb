package io.raftfleet.bench.checkpoint;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What checkpoints cost: three engines' Raft nodes with their registries in this process, over loopback, logs synced, with many
 * units of one unit file and a state each. Measures a checkpoint with everything, with one unit in a hundred, and with
 * nothing but one changed; writes while checkpoints are taken one after the other against writes without; a restart; and
 * what an engine that joins empty needs.
 */
@Command(
        name = "checkpoints",
        mixinStandardHelpOptions = true,
        description = "Cost of checkpoints, restarts and new engines.")
public final class Checkpoints implements Callable<Integer> {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @Option(names = "--units", description = "Units (${DEFAULT-VALUE}).")
    int units = 100_000;

    @Option(names = "--seconds", description = "How long to write with and without checkpoints (${DEFAULT-VALUE}).")
    int seconds = 15;

    private Checkpoints() {}

    /** Runs it. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Checkpoints()).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        Path dir = Files.createTempDirectory("raftfleet-bench-checkpoints");
        try (var nodes = new Nodes(dir)) {
            nodes.start("e1");
            nodes.start("e2");
            nodes.start("e3");
            nodes.fill(units);
            say("%d units on 3 engines; load average %s", units, loadAverage());
            checkpoint(nodes, "everything is new");
            change(nodes, 100);
            checkpoint(nodes, "1 % changed");
            change(nodes, units);
            checkpoint(nodes, "1 unit changed");
            change(nodes, 1);
            checkpoint(nodes, "all changed");
            writes(nodes, false); // warms up
            writes(nodes, false);
            writes(nodes, true);
            restart(nodes, 0);
            restart(nodes, 10);
            join(nodes, dir);
        } finally {
            delete(dir);
        }
        say("load average %s", loadAverage());
        return 0;
    }

    /** Makes every {@code step}th unit inactive and back. */
    private void change(Nodes nodes, int step) throws Exception {
        for (var target : List.of(TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED)) {
            var records = new ArrayList<Record>();
            for (int i = 0; i < units; i += step) {
                records.add(setTarget(nodes, i, target));
            }
            nodes.propose(records);
        }
    }

    private static Record setTarget(Nodes nodes, int unit, TargetState target) {
        var name = Nodes.unit(unit);
        return Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName(name)
                        .setVersion(nodes.version(name))
                        .setTargetState(target))
                .build();
    }

    private static void checkpoint(Nodes nodes, String what) throws Exception {
        long start = System.nanoTime();
        nodes.leader().takeSnapshot(PATIENCE).get();
        say("checkpoint, %s: %d ms", what, millis(start));
    }

    /** One write at a time, as fast as they are committed. */
    private void writes(Nodes nodes, boolean checkpoints) throws Exception {
        var stop = new AtomicBoolean();
        var done = new Semaphore(0);
        int[] taken = {0};
        Thread.ofPlatform().name("checkpoints").start(() -> {
            try {
                while (checkpoints && !stop.get()) {
                    nodes.leader().takeSnapshot(PATIENCE).get();
                    taken[0]++;
                }
            } catch (Exception e) {
                say("no checkpoint: %s", e);
            } finally {
                done.release();
            }
        });
        var micros = new ArrayList<Long>();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (int i = 0; System.nanoTime() < end; i++) {
            var record = setTarget(
                    nodes,
                    i % units,
                    i / units % 2 == 0 ? TargetState.TARGET_STATE_LOADED : TargetState.TARGET_STATE_LAUNCHED);
            long start = System.nanoTime();
            nodes.propose(List.of(record));
            micros.add(TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - start));
        }
        stop.set(true);
        done.acquire();
        micros.sort(null);
        say(
                "writes one by one, %s: %d in %d s, p50 %.2f ms, p99 %.2f ms, longest %.2f ms",
                checkpoints ? "during " + taken[0] + " checkpoints" : "without checkpoints",
                micros.size(),
                seconds,
                at(micros, 50),
                at(micros, 99),
                micros.getLast() / 1e3);
    }

    private static double at(List<Long> sorted, int percent) {
        return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / 100)) / 1e3;
    }

    /**
     * Stops a follower and starts it, in this process: until its registry is that of its checkpoint, and until it has applied all that
     * was acknowledged and answers reads.
     *
     * @param tail every how many units are changed twice after its checkpoint; 0 for none
     */
    private void restart(Nodes nodes, int tail) throws Exception {
        nodes.leader().takeSnapshot(PATIENCE).get();
        var follower = nodes.follower();
        nodes.awaitCaughtUp(follower);
        nodes.checkpoint(follower);
        if (tail > 0) {
            change(nodes, tail);
            nodes.awaitCaughtUp(follower);
        }
        nodes.stop(follower);
        long start = System.nanoTime();
        nodes.start(follower);
        say("restart of an engine with %d units, checkpoint restored: %d ms", units, millis(start));
        nodes.awaitCaughtUp(follower);
        say(
                "... and its log's tail of %d changes applied, up to date and answering reads: %d ms",
                tail == 0 ? 0 : 2 * units / tail, millis(start));
    }

    private void join(Nodes nodes, Path dir) throws Exception {
        nodes.leader().takeSnapshot(PATIENCE).get();
        // Without this one the log goes back to the checkpoint before, and would be sent instead.
        change(nodes, 100);
        nodes.leader().takeSnapshot(PATIENCE).get();
        long start = System.nanoTime();
        nodes.join("e4");
        nodes.awaitCaughtUp("e4");
        say(
                "empty engine added and up to date: %d ms; checkpoint %.1f MiB, log kept %.1f MiB, directory %.1f MiB",
                millis(start),
                mebibytes(nodes.leader().diskUsage().checkpoint()),
                mebibytes(nodes.leader().diskUsage().log()),
                mebibytes(size(dir.resolve("e4"))));
    }

    private static long millis(long start) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    }

    private static double mebibytes(long bytes) {
        return bytes / (double) (1 << 20);
    }

    private static String loadAverage() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).strip();
    }

    private static long size(Path dir) throws IOException {
        try (Stream<Path> files = Files.walk(dir)) {
            return files.mapToLong(f -> f.toFile().isFile() ? f.toFile().length() : 0)
                    .sum();
        }
    }

    private static void delete(Path dir) throws IOException {
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }

    private static void say(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }
}
