package io.raftfleet.bench.report;

import io.raftfleet.bench.result.BenchResult;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.ProcessUse;
import java.util.ArrayList;
import java.util.List;

/** A result for the terminal. */
public final class TextReport {
    static final List<String> TIMES = List.of("times, ms", "count", "p50", "p90", "p99", "p99.9", "max");
    static final List<String> USES = List.of("process", "CPU s", "PSS MiB", "peak MiB", "longest pause ms");

    private TextReport() {}

    /** Its tables, each ended by an empty line. */
    public static String of(BenchResult result) {
        return result.name() + ": " + result.host() + "\n\n"
                + table(
                        Figures.COLUMNS,
                        result.rows().stream().map(Figures::cells).toList())
                + table(
                        TIMES,
                        result.distributions().stream().map(TextReport::cells).toList())
                + table(USES, result.processes().stream().map(TextReport::cells).toList());
    }

    static List<String> cells(Distribution times) {
        return List.of(
                times.what(),
                Long.toString(times.count()),
                Figures.of(times.p50()),
                Figures.of(times.p90()),
                Figures.of(times.p99()),
                Figures.of(times.p999()),
                Figures.of(times.max()));
    }

    static List<String> cells(ProcessUse use) {
        Double pause = use.pauseMs();
        return List.of(
                use.name(),
                Figures.of(use.cpuSeconds()),
                Figures.of(use.pssMib()),
                Figures.of(use.peakMib()),
                pause == null ? "" : Figures.of(pause));
    }

    /** Columns as wide as their widest cell; nothing when there are no rows. */
    private static String table(List<String> columns, List<List<String>> rows) {
        if (rows.isEmpty()) {
            return "";
        }
        var all = new ArrayList<List<String>>();
        all.add(columns);
        all.addAll(rows);
        int[] widths = new int[columns.size()];
        for (var row : all) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        var text = new StringBuilder();
        for (var row : all) {
            var line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i)).repeat(" ", widths[i] - row.get(i).length() + 2);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.append('\n').toString();
    }
}
