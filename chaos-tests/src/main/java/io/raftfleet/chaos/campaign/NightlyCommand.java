package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.report.Report;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bin/fleet chaos nightly}. Exit codes: 0 all campaigns passed, 1 some did not, 2 none could be run. */
@Command(
        name = "nightly",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs campaigns, each with a new seed, until it is stopped; keeps what failed alone.")
final class NightlyCommand implements Callable<Integer> {
    private static final int NOT_RUN_LIMIT = 3;

    /** Runs one campaign; for tests. */
    interface Runner {
        Campaign.Result run(CampaignOptions options) throws IOException, InterruptedException;
    }

    @Spec
    @Nullable
    CommandSpec spec;

    @Option(names = "--hours", paramLabel = "H", description = "Begin no more campaigns after so long (no limit).")
    double hours;

    @Mixin
    CampaignArguments arguments = new CampaignArguments();

    private final Runner runner;
    private final LongSupplier nanoTime;
    private final LongSupplier seeds;

    NightlyCommand() {
        this(options -> new Campaign(options, line -> {}).run(), System::nanoTime, ChaosCommand::randomSeed);
    }

    NightlyCommand(Runner runner, LongSupplier nanoTime, LongSupplier seeds) {
        this.runner = runner;
        this.nanoTime = nanoTime;
        this.seeds = seeds;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        var terminal = spec.commandLine().getOut();
        long begin = nanoTime.getAsLong();
        long limit = hours > 0 ? Duration.ofMillis((long) (hours * 3_600_000)).toNanos() : Long.MAX_VALUE;
        int run = 0;
        int failed = 0;
        int unable = 0;
        do {
            switch (campaign(terminal)) {
                case PASSED -> unable = 0;
                case BROKEN -> {
                    unable = 0;
                    failed++;
                }
                case NOT_RUN -> {
                    failed++;
                    unable++;
                }
            }
            run++;
        } while (unable < NOT_RUN_LIMIT && nanoTime.getAsLong() - begin < limit);
        ChaosCommand.say(terminal, run + " campaigns, " + failed + " failed");
        if (unable >= NOT_RUN_LIMIT) {
            ChaosCommand.say(terminal, "The last " + unable + " could not be run to their end: no more are begun.");
        }
        return failed == 0 ? 0 : ChaosCommand.BROKEN;
    }

    private enum Verdict {
        PASSED,
        BROKEN,
        NOT_RUN
    }

    private Verdict campaign(PrintWriter terminal) throws IOException, InterruptedException {
        long seed = seeds.getAsLong();
        var now = LocalDateTime.now(ZoneId.systemDefault());
        var dir = Evidence.fresh(arguments.out.toAbsolutePath(), seed, now);
        var options = arguments.options(seed, dir);
        long begin = nanoTime.getAsLong();
        var head = "%tF %<tT seed %d: ".formatted(now, seed);
        try {
            var result = runner.run(options);
            int faults = result.injected().values().stream()
                    .mapToInt(Integer::intValue)
                    .sum();
            var tail = String.format(
                    Locale.ROOT,
                    ", %d faults%s, %d s",
                    faults,
                    result.skipped().isEmpty()
                            ? ""
                            : ", skipped " + String.join(" ", result.skipped().keySet()),
                    TimeUnit.NANOSECONDS.toSeconds(nanoTime.getAsLong() - begin));
            if (result.passed()) {
                Evidence.remove(dir);
                ChaosCommand.say(terminal, head + "passed" + tail);
                return Verdict.PASSED;
            }
            Files.writeString(dir.resolve("report.html"), Report.page(result.history(), result.findings()));
            var broken = result.findings().stream()
                    .filter(finding -> !finding.passed())
                    .map(Finding::promise)
                    .collect(Collectors.joining("; "));
            ChaosCommand.say(terminal, head + "FAILED" + tail + ", in " + dir + ": " + broken);
            return Verdict.BROKEN;
        } catch (IllegalArgumentException e) {
            Evidence.remove(dir);
            throw e;
        } catch (IOException | RuntimeException e) {
            var why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            ChaosCommand.say(terminal, head + "NOT RUN to its end, in " + dir + ": " + why);
            return Verdict.NOT_RUN;
        }
    }
}
