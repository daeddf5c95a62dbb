package io.raftfleet.chaos.hostile;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What an engine's process holds.
 *
 * @param heap bytes of objects that are reachable, after a collection
 * @param registry bytes of the heap that the registry takes, by the engine's own count: answers of the last ten minutes and events that
 *     watches resume from grow with all that is written, bystanders' units too, up to limits of their own
 * @param resident bytes of memory, as the kernel has it
 * @param files open ones, connections among them
 * @param threads of the process
 */
record Footprint(long heap, long registry, long resident, long files, long threads) {
    static final String PROMISE = "engines hold no more than before";

    /** What the registry's count, an estimate, may be off by. */
    private static final double COUNT_FACTOR = 1.2;
    /** The last entries of the log, which Ratis keeps in memory: two whole segments of 8 MiB and the one that is written, as objects. */
    private static final long LOG = 36L << 20;
    /** Classes, compiled code's constants, buffers that pools keep. */
    private static final long HEAP_SLACK = 12L << 20;
    /**
     * The Java machine gives the memory of its heap back late, if at all: the whole heap may have been touched, of which some 40 MiB were
     * before. And the pools of two Nettys keep direct buffers, of at most as many bytes as messages on their way may have: 64 MiB of requests
     * and as much of answers, and 32 MiB on the Raft port, and what is lost of that in chunks of 4 MiB.
     */
    private static final long RESIDENT_SLACK = 420L << 20;

    private static final long FILES_SLACK = 60;
    private static final long THREADS_SLACK = 60;
    private static final Pattern REGISTRY = Pattern.compile("(?m)^fleet_registry_heap_bytes\\{[^}]*}\\s+(\\S+)$");
    private static final Pattern TOTAL = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)$");

    /** @param classes file for what objects there are, by class: what a leak is made of */
    static Footprint of(EngineNode engine, Path classes) {
        long pid = engine.daemon().pid();
        var histogram = Commands.run(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(pid),
                "GC.class_histogram");
        var total = TOTAL.matcher(histogram);
        if (!total.find()) {
            throw new IllegalStateException("no total in what jcmd says of " + engine.id());
        }
        var process = Path.of("/proc", Long.toString(pid));
        try (var open = Files.list(process.resolve("fd"))) {
            Files.writeString(classes, histogram);
            var status = Files.readString(process.resolve("status"));
            return new Footprint(
                    Long.parseLong(total.group(1)),
                    registry(engine),
                    field(status, "VmRSS") << 10,
                    open.count(),
                    field(status, "Threads"));
        } catch (IOException e) {
            throw new IllegalStateException("engine " + engine.id() + " has ended", e);
        }
    }

    private static long registry(EngineNode engine) throws IOException {
        try (var metrics = engine.http().resolve("/metrics").toURL().openStream()) {
            var counts = REGISTRY.matcher(new String(metrics.readAllBytes(), StandardCharsets.UTF_8))
                    .results()
                    .map(count -> count.group(1))
                    .toList();
            if (counts.isEmpty()) {
                throw new IllegalStateException("engine " + engine.id() + " does not count its registry's bytes");
            }
            return (long) counts.stream().mapToDouble(Double::parseDouble).sum();
        }
    }

    private static long field(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }

    /** Whether each engine's is as it was, within what is said above. */
    static Finding compare(Map<String, Footprint> before, Map<String, Footprint> after) {
        var violations = new ArrayList<Violation>();
        before.forEach((engine, was) -> {
            var is = after.get(engine);
            if (is == null || !is.within(was)) {
                violations.add(new Violation(engine + " held " + was + ", and now " + is, 0, List.of()));
            }
        });
        return new Finding(PROMISE, before.size(), "", violations);
    }

    private boolean within(Footprint before) {
        return heap <= before.heap + Math.max(0, registry - before.registry) * COUNT_FACTOR + LOG + HEAP_SLACK
                && resident <= before.resident + RESIDENT_SLACK
                && files <= before.files + FILES_SLACK
                && threads <= before.threads + THREADS_SLACK;
    }

    @Override
    public String toString() {
        return "heap %.1f MiB with %.1f MiB of registry, resident %.1f MiB, %d files, %d threads"
                .formatted(heap / 1048576.0, registry / 1048576.0, resident / 1048576.0, files, threads);
    }
}
