package io.raftfleet.bench;

import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.model.TargetState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What checkpoints cost: three engines' Raft nodes with their registries in this process, over loopback, logs synced, with many
 * units of one unit file and a state each. Measures a checkpoint with everything, with one unit in a hundred, and with
 * nothing but one changed; writes while checkpoints are taken one after the other against writes without; a restart; and
 * what an engine that joins empty needs.
 */
@Command(name = "checkpoint", description = "What checkpoints, restarts and new engines cost.")
final class CheckpointCommand extends Benchmark {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @Option(names = "--units", description = "Units (${DEFAULT-VALUE}).")
    int units = 100_000;

    @Option(names = "--seconds", description = "How long to write with and without checkpoints (${DEFAULT-VALUE}).")
    int seconds = 15;

    private final Medians millis = new Medians();
    private final Histogram without = Distribution.histogram();
    private final Histogram during = Distribution.histogram();

    CheckpointCommand() {
        super(3, 1);
    }

    @Override
    void measure(Findings findings) throws Exception {
        findings.setting("units", units);
        findings.setting("engines", "3, with their logs synced, in one process");
        Path dir = Files.createTempDirectory("raftfleet-bench-checkpoints");
        try (var nodes = new CheckpointNodes(dir)) {
            nodes.start("e1");
            nodes.start("e2");
            nodes.start("e3");
            nodes.fill(units);
            checkpoint(nodes, "checkpoint, everything is new", true);
            for (int round = 1; round <= options.warm + options.rounds; round++) {
                round(nodes, round > options.warm);
                say("round %d of %d", round, options.warm + options.rounds);
            }
            join(nodes, dir, findings);
        } finally {
            delete(dir);
        }
        millis.things().forEach(what -> findings.add(Row.of(what + ", median", millis.of(what), "ms")));
        findings.add(Row.beside(
                "a write during checkpoints, p99",
                Distribution.millis(during, 99),
                "ms",
                "without",
                Distribution.millis(without, 99)));
        findings.times("a write without checkpoints", without);
        findings.times("a write during checkpoints", during);
    }

    private void round(CheckpointNodes nodes, boolean counts) throws Exception {
        change(nodes, 100);
        checkpoint(nodes, "checkpoint, 1 % changed", counts);
        change(nodes, units);
        checkpoint(nodes, "checkpoint, 1 unit changed", counts);
        change(nodes, 1);
        checkpoint(nodes, "checkpoint, all changed", counts);
        writes(nodes, false, counts);
        writes(nodes, true, counts);
        restart(nodes, 0, counts);
        restart(nodes, 10, counts);
    }

    private void note(String what, long begin, boolean counts) {
        if (counts) {
            millis.add(what, (System.nanoTime() - begin) / 1e6);
        }
    }

    /** Makes every {@code step}th unit inactive and back. */
    private void change(CheckpointNodes nodes, int step) throws Exception {
        for (var target : List.of(TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED)) {
            var records = new ArrayList<Record>();
            for (int i = 0; i < units; i += step) {
                records.add(setTarget(nodes, i, target));
            }
            nodes.propose(records);
        }
    }

    private static Record setTarget(CheckpointNodes nodes, int unit, TargetState target) {
        var name = CheckpointNodes.unit(unit);
        return Record.newBuilder()
                .setTargetStateSet(TargetStateSet.newBuilder()
                        .setName(name)
                        .setVersion(nodes.version(name))
                        .setTargetState(target))
                .build();
    }

    private void checkpoint(CheckpointNodes nodes, String what, boolean counts) throws Exception {
        long start = System.nanoTime();
        nodes.leader().takeSnapshot(PATIENCE).get();
        note(what, start, counts);
    }

    /** One write at a time, as fast as they are committed. */
    private void writes(CheckpointNodes nodes, boolean checkpoints, boolean counts) throws Exception {
        var stop = new AtomicBoolean();
        var done = new Semaphore(0);
        Thread.ofPlatform().name("checkpoints").start(() -> {
            try {
                while (checkpoints && !stop.get()) {
                    nodes.leader().takeSnapshot(PATIENCE).get();
                }
            } catch (Exception e) {
                say("no checkpoint: %s", e);
            } finally {
                done.release();
            }
        });
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (int i = 0; System.nanoTime() < end; i++) {
            var record = setTarget(
                    nodes,
                    i % units,
                    i / units % 2 == 0 ? TargetState.TARGET_STATE_LOADED : TargetState.TARGET_STATE_LAUNCHED);
            long start = System.nanoTime();
            nodes.propose(List.of(record));
            if (counts) {
                Distribution.record(checkpoints ? during : without, System.nanoTime() - start);
            }
        }
        stop.set(true);
        done.acquire();
    }

    /**
     * Stops a follower and starts it, in this process: until its registry is that of its checkpoint, and until it has applied all that
     * was acknowledged and answers reads.
     *
     * @param tail every how many units are changed twice after its checkpoint; 0 for none
     */
    private void restart(CheckpointNodes nodes, int tail, boolean counts) throws Exception {
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
        note("restart, checkpoint restored", start, counts);
        nodes.awaitCaughtUp(follower);
        note(
                "restart, " + (tail == 0 ? 0 : 2 * units / tail) + " changes behind its checkpoint, up to date",
                start,
                counts);
    }

    private void join(CheckpointNodes nodes, Path dir, Findings findings) throws Exception {
        nodes.leader().takeSnapshot(PATIENCE).get();
        // Without this one the log goes back to the checkpoint before, and would be sent instead.
        change(nodes, 100);
        nodes.leader().takeSnapshot(PATIENCE).get();
        long start = System.nanoTime();
        nodes.join("e4");
        nodes.awaitCaughtUp("e4");
        findings.add(Row.of("empty engine added and up to date", (System.nanoTime() - start) / 1e6, "ms"));
        var disk = nodes.leader().diskUsage();
        findings.add(Row.of("checkpoint", mebibytes(disk.checkpoint()), "MiB"));
        findings.add(Row.of("log kept", mebibytes(disk.log()), "MiB"));
        findings.add(Row.of("directory of the new engine", mebibytes(size(dir.resolve("e4"))), "MiB"));
    }

    private static double mebibytes(long bytes) {
        return bytes / (double) (1 << 20);
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
}
