package io.raftfleet.chaos.report;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.History.Operation;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Makes the page. */
public final class Report {
    private static final int MOST_EVENTS = 200;
    private static final double SECOND = 1e9;

    private static final String STYLE = """
            :root { color-scheme: light; --ok: #1a7f4b; --bad: #c62828; --soft: #667085; --line: #e4e7ec; }
            body { font: 15px/1.5 system-ui, sans-serif; color: #1d2433; background: #f6f7f9; margin: 0; }
            main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 60px; }
            h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 36px 0 10px; }
            .verdict { display: inline-block; padding: 3px 12px; border-radius: 14px; color: #fff; font-weight: 600; }
            .ok { background: var(--ok); } .bad { background: var(--bad); } .none { background: #b54708; }
            .card { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; }
            .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
            .figures b { display: block; font-size: 22px; } .soft { color: var(--soft); }
            table { border-collapse: collapse; width: 100%; background: #fff; }
            td, th { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
            td.n { text-align: right; font-variant-numeric: tabular-nums; }
            code, pre { font: 12.5px/1.45 ui-monospace, monospace; } pre { overflow: auto; max-height: 420px; }
            svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: #475467; }
            details { margin: 8px 0; } summary { cursor: pointer; }
            """;

    private Report() {}

    /** The page. */
    public static String page(History history, List<Finding> findings) {
        boolean passed = findings.stream().allMatch(Finding::passed);
        var began = history.began();
        var page = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
        page.append("<meta name=\"viewport\" content=\"width=device-width\"><title>raftfleet chaos, seed ")
                .append(began.seed())
                .append("</title><style>")
                .append(STYLE)
                .append("</style><main><h1>Chaos campaign <span class=\"verdict ")
                .append(passed ? "ok\">passed" : "bad\">failed")
                .append("</span></h1><p class=\"soft\">")
                .append(Html.escape(began.wallClock()))
                .append(", ")
                .append(began.engines().size())
                .append(" engines, ")
                .append(began.machines().size())
                .append(" machines. To replay: <code>")
                .append(Html.escape(began.command()))
                .append("</code></p>");
        figures(page, history);
        page.append("<h2>Promises</h2>");
        promises(page, findings);
        page.append("<h2>Timeline</h2><div class=\"card\">")
                .append(Timeline.svg(history, findings))
                .append("</div>");
        page.append("<h2>Faults</h2>");
        faults(page, history);
        violations(page, findings);
        return page.append("</main></html>\n").toString();
    }

    private static void figures(StringBuilder page, History history) {
        var operations = history.operations();
        Map<Event.Outcome, Long> outcomes = operations.stream()
                .collect(Collectors.groupingBy(op -> op.returned().outcome(), Collectors.counting()));
        var latencies = operations.stream()
                .filter(Operation::answered)
                .mapToLong(op -> op.returned().at() - op.invoked().at())
                .sorted()
                .toArray();
        page.append("<div class=\"figures\">");
        figure(
                page,
                "%d min %02d s".formatted((long) (history.end() / SECOND) / 60, (long) (history.end() / SECOND) % 60),
                "length");
        figure(page, number(history.all(Event.FaultBegan.class).count()), "faults");
        figure(page, number(operations.size()), "operations");
        figure(page, number(outcomes.getOrDefault(Event.Outcome.UNKNOWN, 0L)), "of unknown outcome");
        figure(page, number(outcomes.getOrDefault(Event.Outcome.FAILED, 0L)), "certainly not done");
        figure(page, number(history.all(Event.LeaderSeen.class).count()), "leaders");
        if (latencies.length > 0) {
            figure(page, millis(latencies[latencies.length / 2]), "median answer");
            figure(page, millis(latencies[(int) (latencies.length * 0.99)]), "99th percentile");
        }
        page.append("</div>");
    }

    private static void figure(StringBuilder page, String value, String what) {
        page.append("<div class=\"card\"><b>")
                .append(value)
                .append("</b><span class=\"soft\">")
                .append(what)
                .append("</span></div>");
    }

    private static void promises(StringBuilder page, List<Finding> findings) {
        page.append("<table class=\"card\"><tr><th><th>Promise<th>Examined<th>Violations<th>Not examined");
        for (var finding : findings) {
            var verdict = finding.passed() ? "ok\">kept" : finding.examined() == 0 ? "none\">unseen" : "bad\">broken";
            page.append("<tr><td><span class=\"verdict ")
                    .append(verdict)
                    .append("</span><td>")
                    .append(Html.escape(finding.promise()))
                    .append("<td class=\"n\">")
                    .append(number(finding.examined()))
                    .append("<td class=\"n\">")
                    .append(finding.violations().size())
                    .append("<td class=\"soft\">")
                    .append(Html.escape(finding.unexamined()));
        }
        page.append("</table>");
    }

    private static void faults(StringBuilder page, History history) {
        var counts = new TreeMap<String, Integer>();
        var example = new TreeMap<String, String>();
        history.all(Event.FaultBegan.class).forEach(fault -> {
            counts.merge(fault.kind(), 1, Integer::sum);
            example.putIfAbsent(fault.kind(), fault.detail());
        });
        page.append("<table class=\"card\"><tr><th>Kind<th>Injected<th>For example");
        counts.forEach((kind, count) -> page.append("<tr><td>")
                .append(Html.escape(kind))
                .append("<td class=\"n\">")
                .append(count)
                .append("<td class=\"soft\">")
                .append(Html.escape(example.getOrDefault(kind, ""))));
        history.all(Event.Skipped.class)
                .forEach(skipped -> page.append("<tr><td>")
                        .append(Html.escape(skipped.fault()))
                        .append("<td class=\"n\">skipped<td class=\"soft\">")
                        .append(Html.escape(skipped.why())));
        page.append("</table>");
    }

    private static void violations(StringBuilder page, List<Finding> findings) {
        for (var finding : findings) {
            if (finding.violations().isEmpty()) {
                continue;
            }
            page.append("<h2>Broken: ").append(Html.escape(finding.promise())).append("</h2>");
            finding.violations().forEach(violation -> violation(page, violation));
        }
    }

    private static void violation(StringBuilder page, Violation violation) {
        page.append("<details class=\"card\"><summary>at ")
                .append(seconds(violation.at()))
                .append(": ")
                .append(Html.escape(violation.what()))
                .append("</summary><pre>");
        violation.evidence().stream()
                .limit(MOST_EVENTS)
                .forEach(event -> page.append(seconds(event.at()))
                        .append("  ")
                        .append(Html.escape(event.toString()))
                        .append('\n'));
        page.append("</pre></details>");
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(',', '\u202f');
    }

    private static String millis(long nanos) {
        return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
    }

    private static String seconds(long nanos) {
        return nanos == Long.MAX_VALUE ? "never" : String.format(Locale.ROOT, "%.3f s", nanos / SECOND);
    }
}
