package io.raftfleet.bench.result;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one run of a benchmark found.
 *
 * @param name of the benchmark
 * @param command the line that repeats it
 * @param when it began, as ISO 8601
 * @param settings what it ran with, by name
 */
public record BenchResult(
        String name,
        String command,
        String when,
        Host host,
        Map<String, String> settings,
        List<Row> rows,
        List<Distribution> distributions,
        List<Series> series,
        List<ProcessUse> processes) {
    public BenchResult {
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
        rows = List.copyOf(rows);
        distributions = List.copyOf(distributions);
        series = List.copyOf(series);
        processes = List.copyOf(processes);
    }

    /** Whether every figure that has a limit keeps it. */
    public boolean allMet() {
        return rows.stream().noneMatch(row -> Boolean.FALSE.equals(row.met()));
    }
}
