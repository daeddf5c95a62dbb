package io.raftfleet.bench;

import io.raftfleet.bench.process.ProcessMeter;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Row;
import io.raftfleet.bench.result.Series;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/** What a cluster under churn looks like over time, and whether it stays so. Used by one thread. */
final class ChurnSamples {
    /** How much more the last part of the time may take than the first. */
    private static final double MOST_TIMES = 1.2;
    /** Latency is the noisiest of all. */
    private static final double MOST_TIMES_LATENCY = 1.5;

    private static final double MIB = 1 << 20;
    private static final Pattern HELD =
            Pattern.compile("fleet_registry_heap_bytes\\{kind=\"([a-z_]+)\"} ([0-9.eE+-]+)");

    private final Cluster cluster;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final long begin = System.nanoTime();
    private final Map<String, List<Series.Point>> lines = new LinkedHashMap<>();
    private final Map<String, String> units = new LinkedHashMap<>();

    ChurnSamples(Cluster cluster) {
        this.cluster = cluster;
    }

    /** Notes how it is now; what can't be asked, as a process that is being restarted, is left out. */
    void take(Histogram lately) {
        if (lately.getTotalCount() > 0) {
            add("start, p50", "ms", Distribution.millis(lately, 50));
            add("start, p99", "ms", Distribution.millis(lately, 99));
        }
        for (var engine : cluster.engines()) {
            if (engine.daemon().running()) {
                memory(engine.id(), engine.daemon().pid());
                add("disk of " + engine.id(), "MiB", bytesIn(engine.dataDir()) / MIB);
                held(engine);
            }
        }
        cluster.agents().stream()
                .map(AgentNode::daemon)
                .filter(daemon -> daemon.running())
                .forEach(daemon -> memory(daemon.name(), daemon.pid()));
    }

    private void memory(String name, long pid) {
        try {
            add("memory of " + name + " (PSS)", "MiB", ProcessMeter.pssMib(pid));
        } catch (UncheckedIOException e) {
            // It has ended meanwhile.
        }
    }

    private void held(EngineNode engine) {
        try {
            var request = HttpRequest.newBuilder(
                            URI.create("http://" + engine.addresses().http() + "/metrics"))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            var page = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
            var found = HELD.matcher(page);
            while (found.find()) {
                add(
                        found.group(1) + " in the registry of " + engine.id(),
                        "KiB",
                        Double.parseDouble(found.group(2)) / 1024);
            }
        } catch (IOException e) {
            // It starts, or stops.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static double bytesIn(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.mapToDouble(file -> {
                        try {
                            return Files.isRegularFile(file) ? Files.size(file) : 0;
                        } catch (IOException e) {
                            return 0; // Logs and checkpoints come and go.
                        }
                    })
                    .sum();
        } catch (IOException | UncheckedIOException e) {
            return 0;
        }
    }

    private void add(String what, String unit, double value) {
        lines.computeIfAbsent(what, none -> new ArrayList<>())
                .add(new Series.Point((System.nanoTime() - begin) / 1e9, value));
        units.put(what, unit);
    }

    /** Adds each line, and its median in the last of so many parts of the time beside that in the first. */
    void report(int parts, Findings findings) {
        lines.forEach((what, points) -> {
            var unit = units.getOrDefault(what, "");
            findings.line(new Series(what, unit, points));
            int part = Math.max(1, points.size() / parts);
            findings.add(Row.beside(
                    what + ", last part",
                    median(points.subList(points.size() - part, points.size())),
                    unit,
                    "first part",
                    median(points.subList(0, part)),
                    what.startsWith("start") ? MOST_TIMES_LATENCY : MOST_TIMES));
        });
    }

    private static double median(List<Series.Point> points) {
        return Medians.of(points.stream().map(Series.Point::value).toList());
    }
}
