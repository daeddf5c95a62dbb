package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.hostile.HostileCampaign;
import io.raftfleet.chaos.hostile.HostileOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bin/fleet chaos hostile}. Exit codes as a campaign's. */
@Command(
        name = "hostile",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Puts a cluster of its own under clients, agents and strangers that lie, and checks that nobody else"
                        + " notices.")
final class HostileCommand implements Callable<Integer> {
    private static final Duration EACH = Duration.ofSeconds(2);

    @Spec
    @Nullable
    CommandSpec spec;

    @Option(names = "--seed", paramLabel = "S", description = "Of what attackers send (random).")
    @Nullable
    Long seed;

    @Option(names = "--minutes", paramLabel = "M", description = "How long to attack (${DEFAULT-VALUE}).")
    double minutes = 5;

    @Option(
            names = "--attacks",
            paramLabel = "KIND,...",
            split = ",",
            description = "Only these (all); \"help\" lists them.")
    List<String> attacks = List.of();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Each campaign gets a directory of its own in it, for logs and, when it fails, data"
                    + " (${DEFAULT-VALUE}).")
    Path out = Path.of("chaos-report");

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (spec == null) {
            throw new IllegalStateException("called without a command line");
        }
        var terminal = spec.commandLine().getOut();
        if (attacks.equals(List.of("help"))) {
            HostileCampaign.kinds().forEach(kind -> ChaosCommand.say(terminal, kind));
            return 0;
        }
        long chosen = seed == null ? ChaosCommand.randomSeed() : seed;
        var dir = Evidence.fresh(out.toAbsolutePath(), chosen, LocalDateTime.now(ZoneId.systemDefault()));
        var length = Duration.ofMillis((long) (minutes * 60_000));
        var options = new HostileOptions(chosen, length, EACH, attacks, HostileOptions.USUAL_ELECTION, dir);
        ChaosCommand.say(terminal, "Seed " + chosen + ". To replay: " + options.command());
        ChaosCommand.say(terminal, "Directory: " + dir);
        var campaign = new HostileCampaign(options, line -> ChaosCommand.say(terminal, line));
        var result = Evidence.gather(
                dir, campaign::run, HostileCampaign.Result::passed, line -> ChaosCommand.say(terminal, line));
        ChaosCommand.tell(terminal, result.findings());
        result.notes().forEach(note -> ChaosCommand.say(terminal, note));
        ChaosCommand.say(terminal, "attacks: " + result.attacks());
        ChaosCommand.say(terminal, result.passed() ? "PASSED" : "FAILED. To replay: " + options.command());
        return result.passed() ? 0 : ChaosCommand.BROKEN;
    }
}
