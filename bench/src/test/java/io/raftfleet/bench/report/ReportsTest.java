package io.raftfleet.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.bench.result.BenchResult;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Host;
import io.raftfleet.bench.result.ProcessUse;
import io.raftfleet.bench.result.ResultFiles;
import io.raftfleet.bench.result.Row;
import io.raftfleet.bench.result.Series;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReportsTest {
    private static BenchResult result() {
        var findings = new Findings();
        findings.setting("units", 300);
        findings.add(Row.atMost("a | start, <p99>", 120, "ms", 100));
        findings.add(Row.beside("through the cluster", 2.3, "s", "systemctl alone", 2, 1.2));
        findings.add(Row.of("rate", 1234.4, "units/s"));
        findings.times("start", Distribution.histogram(List.of(1_000_000L, 2_000_000L, 40_000_000L)));
        findings.line(new Series("heap", "MiB", List.of(new Series.Point(0, 1), new Series.Point(60, 2))));
        findings.used(List.of(new ProcessUse("e1", 1.5, 80, 120, 12.5)));
        return findings.result(
                "start",
                "bin/fleet bench start --units 300",
                "2026-01-01T00:00:00Z",
                new Host(2, 4096, "6.1", "25", "0.2.0"));
    }

    @Test
    void aResultIsTheSameAfterJson() {
        assertThat(ResultFiles.parse(ResultFiles.json(result()))).isEqualTo(result());
    }

    @Test
    void rowsTellWhetherTheyKeepTheirLimit() {
        var rows = result().rows();
        assertThat(rows.get(0).met()).isFalse();
        assertThat(rows.get(0).ratio()).isEqualTo(1.2);
        assertThat(rows.get(1).met()).isTrue();
        assertThat(rows.get(2).met()).isNull();
        assertThat(result().allMet()).isFalse();
    }

    @Test
    void thePageEscapesAndNamesNoOtherAddress() {
        var page = HtmlReport.of(result());
        assertThat(page).contains("a | start, &lt;p99&gt;").doesNotContain("<p99>");
        assertThat(page).contains("<svg", "polyline").doesNotContain("http://", "https://", "<script");
    }

    @Test
    void textThatIsMarkupIsEscaped() {
        assertThat(Html.escape("<a href=\"x\">'&'</a>"))
                .isEqualTo("&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    }

    @Test
    void theDocumentHasARowForEachFigureAndTheCommand() {
        var text = MarkdownReport.of(List.of(result()), "Said of it.\n");
        assertThat(text)
                .contains("| start --units 300 | a \\| start, &lt;p99> | 120 ms | limit 100 ms | 1.20 | no |")
                .contains("| start --units 300 | through the cluster | 2.30 s | systemctl alone 2 s | 1.15 | yes |")
                .contains("| start --units 300 | rate | 1234 units/s |  |  |  |")
                .containsOnlyOnce("Said of it.\n\n| benchmark |")
                .contains("bin/fleet bench start --units 300\n")
                .contains("| from ms | to ms | count | % |");
    }

    @Test
    void theTableForTheTerminalIsAligned() {
        var lines = TextReport.of(result()).lines().toList();
        assertThat(lines.get(2).indexOf("figure")).isEqualTo(lines.get(3).indexOf("120 ms"));
        assertThat(lines).anyMatch(line -> line.startsWith("e1 "));
    }

    @Test
    void linesThatBelongTogetherAreOneChartOfTheDocument() {
        var findings = new Findings();
        findings.line(new Series("units: begun", "units", List.of(new Series.Point(0, 0), new Series.Point(3, 2))));
        findings.line(new Series("units: active", "units", List.of(new Series.Point(0, 0), new Series.Point(6, 2))));
        findings.line(new Series("heap", "MiB", List.of(new Series.Point(0, 1), new Series.Point(60, 2))));
        var text = MarkdownReport.of(
                List.of(findings.result("a", "a", "now", new Host(2, 4096, "6.1", "25", "0.2.0"))), "");
        var charts = text.split("```mermaid", -1);
        assertThat(charts).hasSize(3);
        assertThat(charts[1])
                .contains("title \"units: begun, active\"", "x-axis \"s\" 0 --> 6")
                .containsPattern("line \\[(0, ){30}(2, ){30}2]")
                .containsPattern("line \\[(0, ){60}2]");
        assertThat(charts[2]).contains("title \"heap\"");
    }
}
