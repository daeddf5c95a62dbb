package io.raftfleet.chaos.report;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** What happened when, drawn: violations, faults by kind, leaders, answers a second, how long they took. Confined to one thread. */
final class Timeline {
    private static final int LEFT = 120;
    private static final int WIDTH = 1100;
    private static final int LANE = 16;
    private static final int GRAPH = 90;
    private static final int GAP = 14;
    private static final int BUCKETS = 240;
    private static final List<String> COLOURS =
            List.of("#3b6fd4", "#d17b0f", "#7b4fc4", "#12866f", "#b83280", "#64748b", "#a16207", "#0e7490");

    private final History history;
    private final StringBuilder out = new StringBuilder();
    private final double end;
    private int y = 8;

    private Timeline(History history) {
        this.history = history;
        this.end = Math.max(1, history.end());
    }

    static String svg(History history, List<Finding> findings) {
        var timeline = new Timeline(history);
        timeline.draw(findings);
        return "<svg viewBox=\"0 0 " + (WIDTH + 20) + " " + (timeline.y + 24) + "\" role=\"img\">" + timeline.out
                + "</svg>";
    }

    private void draw(List<Finding> findings) {
        violations(findings);
        faults();
        leaders();
        graphs();
        axis();
    }

    private void violations(List<Finding> findings) {
        var all = findings.stream().flatMap(f -> f.violations().stream()).toList();
        if (all.isEmpty()) {
            return;
        }
        label("violations", y + 12);
        all.forEach(violation -> box(violation.at(), violation.at(), y, "#c62828", violation.what(), 3));
        y += LANE + GAP;
    }

    private void faults() {
        var kinds = new TreeSet<String>();
        history.all(Event.FaultBegan.class).forEach(fault -> kinds.add(fault.kind()));
        Map<Long, Long> ends = new HashMap<>();
        history.all(Event.FaultEnded.class).forEach(ended -> ends.put(ended.fault(), ended.at()));
        int colour = 0;
        for (var kind : kinds) {
            int lane = y;
            var fill = COLOURS.get(colour++ % COLOURS.size());
            label(kind, lane + 12);
            history.all(Event.FaultBegan.class)
                    .filter(fault -> fault.kind().equals(kind))
                    .forEach(fault -> box(
                            fault.at(),
                            ends.getOrDefault(fault.fault(), (long) end),
                            lane,
                            fill,
                            fault.kind() + ": " + fault.detail(),
                            1.5));
            y += LANE;
        }
        y += GAP;
    }

    private void leaders() {
        var seen = history.all(Event.LeaderSeen.class).toList();
        for (var engine : history.began().engines()) {
            label("leader " + engine, y + 12);
            for (int i = 0; i < seen.size(); i++) {
                if (seen.get(i).engine().equals(engine)) {
                    long until = i + 1 < seen.size() ? seen.get(i + 1).at() : (long) end;
                    box(
                            seen.get(i).at(),
                            until,
                            y,
                            "#334155",
                            "term " + seen.get(i).term(),
                            1);
                }
            }
            y += LANE;
        }
        y += GAP;
    }

    private void graphs() {
        var answered = new double[BUCKETS];
        var unknown = new double[BUCKETS];
        var latencies = new HashMap<Integer, long[]>();
        for (var operation : history.operations()) {
            long at = Math.min(operation.returned().at(), (long) end);
            int bucket = bucket(at);
            switch (operation.returned().outcome()) {
                case ANSWERED -> {
                    answered[bucket]++;
                    latencies.merge(bucket, new long[] {at - operation.invoked().at()}, Timeline::join);
                }
                case FAILED, UNKNOWN -> unknown[bucket]++;
            }
        }
        double seconds = end / 1e9 / BUCKETS;
        for (int i = 0; i < BUCKETS; i++) {
            answered[i] /= seconds;
            unknown[i] /= seconds;
        }
        double most = Math.max(1, Arrays.stream(answered).max().orElse(1));
        graph("answers / s", most, "%.0f");
        bars(answered, most, "#12866f");
        bars(unknown, most, "#c62828");
        y += GRAPH + GAP;
        var median = new double[BUCKETS];
        var high = new double[BUCKETS];
        latencies.forEach((bucket, all) -> {
            Arrays.sort(all);
            median[bucket] = scale(all[all.length / 2]);
            high[bucket] = scale(all[(int) (all.length * 0.99)]);
        });
        label("latency", y + 12);
        label("1 ms to 10 s, log", y + 26);
        frame();
        bars(high, 4, "#c9a227");
        bars(median, 4, "#3b6fd4");
        y += GRAPH + GAP;
        text(LEFT, y, "green: answered, red: unknown or not done; blue: median, yellow: 99th percentile", "start");
        y += GAP;
    }

    /** Decades above a millisecond. */
    private static double scale(long nanos) {
        return Math.clamp(Math.log10(nanos / 1e6), 0.02, 4);
    }

    private static long[] join(long[] one, long[] other) {
        var joined = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, joined, one.length, other.length);
        return joined;
    }

    private int bucket(long at) {
        return (int) Math.min(BUCKETS - 1, at / end * BUCKETS);
    }

    private void graph(String what, double most, String format) {
        label(what, y + 12);
        label(String.format(Locale.ROOT, format, most), y + 26);
        frame();
    }

    private void frame() {
        out.append("<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#f6f7f9\"/>"
                .formatted(LEFT, y, WIDTH - LEFT, GRAPH));
    }

    private void bars(double[] values, double most, String fill) {
        double width = (double) (WIDTH - LEFT) / BUCKETS;
        for (int i = 0; i < BUCKETS; i++) {
            if (values[i] > 0) {
                double height = Math.max(1, values[i] / most * GRAPH);
                rect(LEFT + i * width, y + GRAPH - height, width * 0.85, height, fill);
            }
        }
    }

    private void axis() {
        double seconds = end / 1e9;
        for (int i = 0; i <= 6; i++) {
            double at = seconds * i / 6;
            text(
                    LEFT + (WIDTH - LEFT) * i / 6.0,
                    y + 4,
                    "%d:%02d".formatted((long) at / 60, (long) at % 60),
                    i == 0 ? "start" : "middle");
        }
    }

    private void box(long from, long to, int top, String fill, String title, double least) {
        double x = LEFT + from / end * (WIDTH - LEFT);
        double width = Math.max(least, (to - from) / end * (WIDTH - LEFT));
        out.append("<g><title>").append(Html.escape(title)).append("</title>");
        rect(x, top + 2, width, LANE - 4, fill);
        out.append("</g>");
    }

    private void rect(double x, double top, double width, double height, String fill) {
        out.append(String.format(
                Locale.ROOT,
                "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>",
                x,
                top,
                width,
                height,
                fill));
    }

    private void label(String label, int baseline) {
        text(LEFT - 8, baseline, label, "end");
    }

    private void text(double x, double baseline, String text, String anchor) {
        out.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, baseline, anchor))
                .append(Html.escape(text))
                .append("</text>");
    }
}
