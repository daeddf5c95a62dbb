package io.raftfleet.bench.result;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Collects what a benchmark finds while it runs. Used by one thread. */
public final class Findings {
    private final Map<String, String> settings = new TreeMap<>();
    private final List<Row> rows = new ArrayList<>();
    private final List<Distribution> distributions = new ArrayList<>();
    private final List<Series> series = new ArrayList<>();
    private final List<ProcessUse> processes = new ArrayList<>();

    /** What it runs with. */
    public void setting(String name, Object value) {
        settings.put(name, String.valueOf(value));
    }

    /** A figure. */
    public void add(Row row) {
        rows.add(row);
    }

    /** Times in nanoseconds; those of nothing are left out. */
    public void times(String what, Histogram nanos) {
        if (nanos.getTotalCount() > 0) {
            distributions.add(Distribution.of(what, nanos));
        }
    }

    /** A figure over time. */
    public void line(Series line) {
        series.add(line);
    }

    /** What processes used. */
    public void used(List<ProcessUse> uses) {
        processes.addAll(uses);
    }

    /** All of it. */
    public BenchResult result(String name, String command, String when, Host host) {
        return new BenchResult(name, command, when, host, settings, rows, distributions, series, processes);
    }
}
