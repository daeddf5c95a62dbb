package io.raftfleet.bench.report;

import io.raftfleet.bench.result.BenchResult;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Series;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Results as a document. */
public final class MarkdownReport {
    private static final String COMMAND = "bin/fleet bench ";
    /** Of a chart's axis of time. */
    private static final int STEPS = 60;

    private MarkdownReport() {}

    /**
     * A document of results, of which each begins with the command that repeats it.
     *
     * @param notes Markdown that stands before the figures; may be empty
     */
    public static String of(List<BenchResult> results, String notes) {
        var text = new StringBuilder("""
                # Benchmarks

                Made by `bin/fleet bench report` from what the benchmarks wrote; [how they are run](../bench/README.md).
                A ratio is the figure by its limit or by its peer's in the same run; smaller is better.

                """);
        if (!notes.isBlank()) {
            text.append(notes.strip()).append("\n\n");
        }
        var all = new ArrayList<List<String>>();
        for (var result : results) {
            for (var row : result.rows()) {
                var cells = new ArrayList<String>();
                cells.add(variant(result));
                cells.addAll(Figures.cells(row));
                all.add(cells);
            }
        }
        var columns = new ArrayList<>(List.of("benchmark"));
        columns.addAll(Figures.COLUMNS);
        table(text, columns, all);
        for (var result : results) {
            section(text, result);
        }
        return text.toString().stripTrailing() + "\n";
    }

    /** The benchmark with what it was told, which tells its variants apart. */
    private static String variant(BenchResult result) {
        var command = result.command();
        return command.startsWith(COMMAND) ? command.substring(COMMAND.length()) : result.name();
    }

    private static void section(StringBuilder text, BenchResult result) {
        text.append("## ").append(cell(variant(result))).append("\n\n```sh\n");
        text.append(result.command()).append("\n```\n\n");
        text.append(result.when()).append(", ").append(result.host()).append(".\n\n");
        if (!result.settings().isEmpty()) {
            table(
                    text,
                    List.of("setting", "value"),
                    result.settings().entrySet().stream()
                            .map(e -> List.of(e.getKey(), e.getValue()))
                            .toList());
        }
        table(
                text,
                TextReport.TIMES,
                result.distributions().stream().map(TextReport::cells).toList());
        table(
                text,
                TextReport.USES,
                result.processes().stream().map(TextReport::cells).toList());
        lines(text, result);
        if (result.name().equals("start")) {
            result.distributions().forEach(times -> bins(text, times));
        }
    }

    /** A chart for each thing that was measured over time; its parts, which follow a colon, are lines of one. */
    private static void lines(StringBuilder text, BenchResult result) {
        var charts = new LinkedHashMap<String, List<Series>>();
        for (var line : result.series()) {
            charts.computeIfAbsent(line.what().split(": ", 2)[0], what -> new ArrayList<>())
                    .add(line);
        }
        charts.forEach((what, lines) -> chart(text, what, lines));
    }

    /** Of Mermaid, which needs values at equal distances. */
    private static void chart(StringBuilder text, String what, List<Series> lines) {
        double end = lines.stream()
                .flatMap(line -> line.points().stream())
                .mapToDouble(Series.Point::seconds)
                .max()
                .orElse(1);
        var unit = lines.getFirst().unit();
        text.append("```mermaid\nxychart-beta\n")
                .append("  title \"")
                .append(quoted(title(what, lines)))
                .append("\"\n  x-axis \"s\" 0 --> ")
                .append(Figures.of(end))
                .append("\n  y-axis \"")
                .append(quoted(unit))
                .append("\"\n");
        for (var line : lines) {
            var values = IntStream.rangeClosed(0, STEPS)
                    .mapToObj(i -> Figures.of(line.at(end * i / STEPS)))
                    .toList();
            text.append("  line [").append(String.join(", ", values)).append("]\n");
        }
        text.append("```\n\n");
    }

    private static String title(String what, List<Series> lines) {
        var parts = lines.stream()
                .filter(line -> !line.what().equals(what))
                .map(line -> line.what().substring(what.length() + 2))
                .toList();
        return parts.isEmpty() ? what : what + ": " + String.join(", ", parts);
    }

    private static String quoted(String text) {
        return text.replace('"', '\'');
    }

    private static void bins(StringBuilder text, Distribution times) {
        text.append("### ").append(cell(times.what())).append("\n\n");
        table(
                text,
                List.of("from ms", "to ms", "count", "%"),
                times.bins().stream()
                        .map(bin -> List.of(
                                Figures.of(bin.fromMillis()),
                                Figures.of(bin.toMillis()),
                                Long.toString(bin.count()),
                                String.format(Locale.ROOT, "%.1f", 100.0 * bin.count() / times.count())))
                        .toList());
    }

    private static void table(StringBuilder text, List<String> columns, List<List<String>> rows) {
        if (rows.isEmpty()) {
            return;
        }
        line(text, columns);
        line(text, columns.stream().map(column -> "---").toList());
        rows.forEach(row -> line(text, row));
        text.append('\n');
    }

    private static void line(StringBuilder text, List<String> cells) {
        text.append('|');
        cells.forEach(cell -> text.append(' ').append(cell(cell)).append(" |"));
        text.append('\n');
    }

    /** Text that breaks no table. */
    private static String cell(String text) {
        return text.replace("|", "\\|").replace("<", "&lt;").replaceAll("\\s+", " ");
    }
}
