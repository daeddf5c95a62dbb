package io.raftfleet.bench.report;

import io.raftfleet.bench.result.BenchResult;
import java.util.List;

/** A result as one page that needs nothing else: no script, no other file, no other address. */
public final class HtmlReport {
    private static final String STYLE = """
            :root { color-scheme: light dark; --ink: #1c2024; --paper: #fff; --rule: #c9ced6; --mark: #2f6fb0; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #16181b; --rule: #444b55; --mark: #6aa9e6; } }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
            table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
            th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--rule); }
            code { overflow-wrap: anywhere; }
            svg { max-width: 100%; height: auto; font-size: 10px; }
            .bar { fill: var(--mark); } .line { fill: none; stroke: var(--mark); stroke-width: 2; }
            .axis { stroke: var(--rule); } text { fill: var(--ink); }
            """;

    private HtmlReport() {}

    /** The page. */
    public static String of(BenchResult result) {
        var html = new StringBuilder("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width\">\n<title>")
                .append(Html.escape(result.name()))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style></head><body>\n<h1>")
                .append(Html.escape(result.name()))
                .append("</h1>\n<p><code>")
                .append(Html.escape(result.command()))
                .append("</code></p>\n<p>")
                .append(Html.escape(result.when() + ", " + result.host()))
                .append("</p>\n");
        html.append(Html.table(
                Figures.COLUMNS, result.rows().stream().map(Figures::cells).toList()));
        html.append(Html.table(
                TextReport.TIMES,
                result.distributions().stream().map(TextReport::cells).toList()));
        result.distributions().forEach(times -> figure(html, times.what() + ", ms", SvgPlot.bars(times)));
        result.series().forEach(line -> figure(html, line.what(), SvgPlot.line(line)));
        html.append(Html.table(
                TextReport.USES,
                result.processes().stream().map(TextReport::cells).toList()));
        html.append(Html.table(
                List.of("setting", "value"),
                result.settings().entrySet().stream()
                        .map(e -> List.of(e.getKey(), e.getValue()))
                        .toList()));
        return html.append("</body></html>\n").toString();
    }

    private static void figure(StringBuilder html, String caption, String plot) {
        html.append("<h2>").append(Html.escape(caption)).append("</h2>\n").append(plot);
    }
}
