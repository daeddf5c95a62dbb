package io.raftfleet.chaos.hostile;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A hostile campaign to be.
 *
 * @param seed of what attackers send
 * @param length how long they attack; longer when each kind has not had its turn by then
 * @param each how long one attack takes
 * @param kinds of attacks; empty: all
 * @param election lower bound of engines' election timeout, of which the upper one is twice as much
 * @param out directory for the logs and, when it fails, the data
 */
public record HostileOptions(
        long seed, Duration length, Duration each, List<String> kinds, Duration election, Path out) {
    /** As engines have it by themselves. */
    public static final Duration USUAL_ELECTION = Duration.ofMillis(500);

    public HostileOptions {
        kinds = List.copyOf(kinds);
    }

    /** The command that runs it again. */
    public String command() {
        return "bin/fleet chaos hostile --seed " + seed + " --minutes " + length.toMillis() / 60_000.0
                + (kinds.isEmpty() ? "" : " --attacks " + String.join(",", kinds));
    }
}
