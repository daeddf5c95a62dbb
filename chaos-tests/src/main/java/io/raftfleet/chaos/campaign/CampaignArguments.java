package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.cluster.Cluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What command lines say of campaigns, whether there is one or many. Filled by picocli, then only read. */
final class CampaignArguments {
    @Option(names = "--minutes", paramLabel = "M", description = "How long to inject faults (${DEFAULT-VALUE}).")
    double minutes = 5;

    @Option(names = "--rounds", paramLabel = "N", description = "End after so many rounds of faults, too.")
    int rounds;

    @Option(
            names = "--faults",
            paramLabel = "KIND,...",
            split = ",",
            description = "Only these: kill, pause, stop, hand-over, agent-kill, agent-pause, bus-restart, partition,"
                    + " one-way, loss, delay, append-restart, power-loss, slow-disk, full-disk, lost-disk, corrupt-tail,"
                    + " corrupt-middle, clock-jump, etcd-kill, etcd-pause, etcd-wipe (all).")
    List<String> faults = List.of();

    @Option(names = "--machines", paramLabel = "N", description = "How many machines (${DEFAULT-VALUE}).")
    int machines = 4;

    @Option(
            names = "--unit-manager",
            paramLabel = "systemd|hollow",
            description = "What runs units (systemd where machines with one can run, else hollow).")
    @Nullable
    String unitManager;

    @Option(
            names = "--single-namespace",
            description = "All processes on this host's own network, file system and clock.")
    boolean singleNamespace;

    @Option(names = "--one-at-a-time", description = "Never several faults at once.")
    boolean oneAtATime;

    @Option(names = "--steady", paramLabel = "N", description = "Units that run all the time (${DEFAULT-VALUE}).")
    int steady = 20;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description =
                    "Each campaign gets a directory of its own in it, for history, report, logs and, when it fails,"
                            + " data (${DEFAULT-VALUE}).")
    Path out = Path.of("chaos-report");

    /** @param dir the campaign's own */
    CampaignOptions options(long seed, Path dir) {
        return new CampaignOptions(
                seed,
                Duration.ofMillis((long) (minutes * 60_000)),
                rounds,
                faults,
                machines,
                hollow(),
                !singleNamespace,
                !oneAtATime,
                steady,
                dir);
    }

    private boolean hollow() {
        var manager = unitManager;
        if (manager == null) {
            return !Cluster.systemdObstacle().isEmpty();
        }
        return switch (manager) {
            case "systemd" -> false;
            case "hollow" -> true;
            default -> throw new IllegalArgumentException("--unit-manager " + manager + ": it is systemd or hollow");
        };
    }
}
