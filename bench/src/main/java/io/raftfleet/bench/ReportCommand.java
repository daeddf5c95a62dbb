package io.raftfleet.bench;

import io.raftfleet.bench.report.MarkdownReport;
import io.raftfleet.bench.result.ResultFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a document of results. */
@Command(name = "report", description = "Makes a document of what --json wrote.")
final class ReportCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "FILE|DIR", description = "Results, or directories of them.")
    List<Path> places = List.of();

    @Option(names = "--out", paramLabel = "FILE", description = "Where it goes (standard output).")
    @Nullable
    Path out;

    @Option(names = "--notes", paramLabel = "FILE", description = "What is said before the figures, as Markdown.")
    @Nullable
    Path notes;

    @Override
    public Integer call() throws IOException {
        var results = ResultFiles.read(places);
        if (results.isEmpty()) {
            throw new IOException("no results in " + places + ": benchmarks write them with --json");
        }
        var said = notes;
        var text = MarkdownReport.of(results, said == null ? "" : Files.readString(said));
        var file = out;
        if (file == null) {
            System.out.print(text);
        } else {
            Files.writeString(file, text);
        }
        return 0;
    }
}
