package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.check.Violation;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code bin/fleet chaos nightly}, with campaigns that take no time: half an hour each by their clock. */
class NightlyCommandTest {
    private static final History EMPTY = new History(List.of(new Event.Began(
            0,
            Event.FORMAT,
            1,
            "replay",
            "2026-01-01T00:00:00Z",
            List.of("e1"),
            Map.of(),
            10_000,
            List.of(),
            "",
            false)));

    @TempDir
    Path dir;

    private final StringWriter said = new StringWriter();
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicLong seeds = new AtomicLong();

    private int nightly(NightlyCommand.Runner runner, String... more) {
        var command = new NightlyCommand(
                options -> {
                    nanos.addAndGet(Duration.ofMinutes(30).toNanos());
                    Files.writeString(options.out().resolve("history.jsonl"), "events");
                    return runner.run(options);
                },
                nanos::get,
                seeds::incrementAndGet);
        var arguments = new ArrayList<>(List.of("--unit-manager", "hollow", "--out", dir.toString()));
        arguments.addAll(List.of(more));
        return new CommandLine(command)
                .setOut(new PrintWriter(said, true))
                .setErr(new PrintWriter(said, true))
                .execute(arguments.toArray(String[]::new));
    }

    private static Campaign.Result result(boolean passed) {
        var violations = passed ? List.<Violation>of() : List.of(new Violation("gone", 0, List.of()));
        return new Campaign.Result(
                EMPTY,
                List.of(new Finding("a promise", 1, "", violations)),
                Map.of("kill", 3),
                Map.of("delay", "no gcc"));
    }

    private List<String> kept() throws IOException {
        try (var all = Files.list(dir)) {
            return all.map(path -> String.valueOf(path.getFileName())).sorted().toList();
        }
    }

    @Test
    void newSeedsUntilTheTimeIsOver() throws IOException {
        assertThat(nightly(options -> result(true), "--hours", "1.2")).isZero();
        assertThat(said.toString().lines()).hasSize(4);
        assertThat(said.toString())
                .contains("seed 1: passed, 3 faults, skipped delay, 1800 s", "seed 3: passed", "3 campaigns, 0 failed");
        assertThat(kept()).isEmpty();
    }

    @Test
    void whatFailedIsKept() throws IOException {
        assertThat(nightly(options -> result(options.seed() != 2), "--hours", "1.2"))
                .isEqualTo(1);
        assertThat(said.toString()).contains("seed 2: FAILED", "a promise", "3 campaigns, 1 failed");
        assertThat(kept()).singleElement().asString().endsWith("-seed-2");
        assertThat(dir.resolve(kept().getFirst()).resolve("report.html")).exists();
    }

    @Test
    void campaignsThatCantBeRunAreNotBegunForEver() throws IOException {
        assertThat(nightly(options -> {
                    throw new IllegalStateException("no leader\nwith logs");
                }))
                .isEqualTo(1);
        assertThat(said.toString()).contains("seed 3: NOT RUN to its end", ": no leader", "no more are begun");
        assertThat(kept()).hasSize(3);
    }
}
