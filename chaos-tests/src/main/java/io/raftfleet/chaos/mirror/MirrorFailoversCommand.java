package io.raftfleet.chaos.mirror;

import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.mirror.MirrorFailovers.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Takes the leader away in mid-mirror under load, round after round, and compares the mirror with the registry after each.
 * Starts a cluster and an etcd of its own. Exit code 0 when all rounds went well; it ends with the first that did not.
 */
@Command(
        name = "mirror-failovers",
        mixinStandardHelpOptions = true,
        description = "Whether the mirror in etcd equals the registry whatever happens to its writer.")
public final class MirrorFailoversCommand implements Callable<Integer> {
    @Option(names = "--rounds", description = "Of each fault (${DEFAULT-VALUE}).")
    int rounds = 20;

    @Option(names = "--faults", split = ",", description = "${COMPLETION-CANDIDATES} (both).")
    List<Fault> faults = List.of(Fault.KILL, Fault.PAUSE);

    @Option(names = "--clients", description = "That write all the time (${DEFAULT-VALUE}).")
    int clients = 4;

    @Option(names = "--seed", description = "Of what they write (random).")
    @Nullable
    Long seed;

    public static void main(String[] args) {
        System.exit(new CommandLine(new MirrorFailoversCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() throws IOException {
        long chosen = seed == null ? ThreadLocalRandom.current().nextLong(Integer.MAX_VALUE) : seed;
        System.out.println("seed " + chosen);
        long begin = System.nanoTime();
        var dir = Files.createTempDirectory("fleet-etcd");
        try (var failovers = new MirrorFailovers(dir, clients, chosen)) {
            for (int round = 1; round <= rounds; round++) {
                for (var fault : faults) {
                    System.out.println("round " + round + ": " + failovers.round(fault));
                }
            }
            var history = failovers.history();
            System.out.println(rounds + " rounds of " + faults + ": the mirror equalled the registry after each; "
                    + history.transactions() + " transactions with " + history.keys()
                    + " keys, each moved the watermark, whose term never went down (last " + history.term() + "); "
                    + Duration.ofNanos(System.nanoTime() - begin).toSeconds() + " s");
        } finally {
            var unused = Commands.run("rm", "-rf", dir.toString());
        }
        return 0;
    }
}
