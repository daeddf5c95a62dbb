package io.raftfleet.bench.report;

import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Series;
import java.util.Locale;

/** Plots that a page holds inside; their colours are those of the page's style. */
final class SvgPlot {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 200;
    private static final int MARGIN = 24;

    private SvgPlot() {}

    /** Bars, one a bin. */
    static String bars(Distribution times) {
        var bins = times.bins();
        long highest =
                Math.max(1, bins.stream().mapToLong(bin -> bin.count()).max().orElse(1));
        double step = (double) WIDTH / Math.max(1, bins.size());
        var svg = begin(times.what());
        for (int i = 0; i < bins.size(); i++) {
            var bin = bins.get(i);
            double height = (double) HEIGHT * bin.count() / highest;
            add(
                    svg,
                    "<rect class='bar' x='%.1f' y='%.1f' width='%.1f' height='%.1f'><title>%s-%s ms: %d</title></rect>",
                    i * step + 1,
                    MARGIN + HEIGHT - height,
                    step - 2,
                    height,
                    Figures.of(bin.fromMillis()),
                    Figures.of(bin.toMillis()),
                    bin.count());
            add(
                    svg,
                    "<text x='%.1f' y='%d' text-anchor='middle'>%s</text>",
                    (i + 0.5) * step,
                    HEIGHT + 2 * MARGIN - 8,
                    "&lt;" + Figures.of(bin.toMillis()));
        }
        return svg.append("</svg>\n").toString();
    }

    /** A line from the first point to the last; the axis of values begins at 0. */
    static String line(Series series) {
        double longest = Math.max(
                1e-9,
                series.points().stream()
                        .mapToDouble(Series.Point::seconds)
                        .max()
                        .orElse(1));
        double highest = Math.max(
                1e-9,
                series.points().stream().mapToDouble(Series.Point::value).max().orElse(1));
        var svg = begin(series.what());
        svg.append("<polyline class='line' points='");
        for (var point : series.points()) {
            add(
                    svg,
                    "%.1f,%.1f ",
                    WIDTH * point.seconds() / longest,
                    MARGIN + HEIGHT - HEIGHT * Math.max(0, point.value()) / highest);
        }
        svg.append("'/>");
        add(svg, "<text x='0' y='16'>%s</text>", Html.escape(Figures.of(highest) + " " + series.unit()));
        add(
                svg,
                "<text x='%d' y='%d' text-anchor='end'>%s s</text>",
                WIDTH,
                HEIGHT + 2 * MARGIN - 8,
                Figures.of(longest));
        return svg.append("</svg>\n").toString();
    }

    private static StringBuilder begin(String what) {
        var svg = new StringBuilder();
        add(svg, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>", WIDTH, HEIGHT + 2 * MARGIN, Html.escape(what));
        add(svg, "<path class='axis' d='M0 %d H%d'/>", HEIGHT + MARGIN, WIDTH);
        return svg;
    }

    private static void add(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format + "\n", values));
    }
}
