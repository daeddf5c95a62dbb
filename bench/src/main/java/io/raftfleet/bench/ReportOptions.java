package io.raftfleet.bench;

import io.raftfleet.bench.report.HtmlReport;
import io.raftfleet.bench.report.TextReport;
import io.raftfleet.bench.result.BenchResult;
import io.raftfleet.bench.result.ResultFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What all benchmarks can be told. */
final class ReportOptions {
    @Option(names = "--json", paramLabel = "FILE", description = "Where the result goes as JSON.")
    @Nullable
    Path json;

    @Option(names = "--html", paramLabel = "FILE", description = "Where the result goes as a page with plots.")
    @Nullable
    Path html;

    @Option(names = "--rounds", description = "Rounds that count (${DEFAULT-VALUE}).")
    int rounds;

    @Option(names = "--warm", description = "Rounds before, that do not (${DEFAULT-VALUE}).")
    int warm;

    ReportOptions(int rounds, int warm) {
        this.rounds = rounds;
        this.warm = warm;
    }

    /** Prints a result, and writes it wherever it was asked for. */
    void write(BenchResult result) throws IOException {
        System.out.print(TextReport.of(result));
        var jsonFile = json;
        if (jsonFile != null) {
            Files.writeString(jsonFile, ResultFiles.json(result));
        }
        var htmlFile = html;
        if (htmlFile != null) {
            Files.writeString(htmlFile, HtmlReport.of(result));
        }
    }
}
