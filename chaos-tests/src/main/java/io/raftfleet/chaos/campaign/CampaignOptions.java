package io.raftfleet.chaos.campaign;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A campaign to be.
 *
 * @param seed of the faults and of what clients choose
 * @param length how long faults are injected
 * @param rounds how many rounds of faults at most; 0: as many as fit
 * @param faults kinds to inject; empty: all
 * @param machines how many
 * @param hollow machines in memory instead of machines with a systemd each
 * @param separate each host in a network namespace of its own, each engine with a disk and a clock of its own
 * @param combined whether several faults may be under way at once
 * @param steady how many units run all the time
 * @param out directory for the history, the report and the logs
 */
public record CampaignOptions(
        long seed,
        Duration length,
        int rounds,
        List<String> faults,
        int machines,
        boolean hollow,
        boolean separate,
        boolean combined,
        int steady,
        Path out) {
    public CampaignOptions {
        faults = List.copyOf(faults);
    }

    /** Whether etcd is among what faults hit. */
    boolean wantsEtcd() {
        return faults.isEmpty() || faults.stream().anyMatch(kind -> kind.startsWith("etcd-"));
    }

    /** The command that runs it again. */
    public String command() {
        var command =
                new StringBuilder("bin/fleet chaos --seed " + seed + " --minutes " + length.toMillis() / 60_000.0);
        if (rounds > 0) {
            command.append(" --rounds ").append(rounds);
        }
        if (!faults.isEmpty()) {
            command.append(" --faults ").append(String.join(",", faults));
        }
        command.append(" --machines ").append(machines).append(" --steady ").append(steady);
        command.append(hollow ? " --unit-manager hollow" : " --unit-manager systemd");
        command.append(separate ? "" : " --single-namespace").append(combined ? "" : " --one-at-a-time");
        return command.toString();
    }
}
