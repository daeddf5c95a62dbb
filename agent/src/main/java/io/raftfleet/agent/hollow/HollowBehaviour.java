package io.raftfleet.agent.hollow;

import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a hollow machine is to treat a unit: what its file says in {@code [X-Hollow]}, a section that systemd ignores.
 *
 * @param startDelay {@code StartDelaySec}: time from the start job to up, or to failed with {@code failStart}
 * @param failStart {@code FailStart=true}: the unit fails instead of coming up
 * @param refuseStart {@code RefuseStart=true}: the start job itself is refused, as for a broken unit file
 * @param exitAfter {@code ExitAfterSec}: the main process ends by itself after so long; null: it does not
 * @param exitCode {@code ExitCode}: what it ends with then; other than 0 counts as failed
 * @param stopDelay {@code StopDelaySec}: time from the stop job to stopped
 */
record HollowBehaviour(
        Duration startDelay,
        boolean failStart,
        boolean refuseStart,
        @Nullable Duration exitAfter,
        int exitCode,
        Duration stopDelay) {
    private static final String SECTION = "X-Hollow";
    private static final HollowBehaviour PLAIN =
            new HollowBehaviour(Duration.ZERO, false, false, null, 0, Duration.ZERO);

    /** Values that can't be read count as not given: systemd warns and goes on, too. */
    static HollowBehaviour of(UnitFile file) {
        if (file.options().stream().noneMatch(option -> option.section().equals(SECTION))) {
            return PLAIN;
        }
        Duration exitAfter = seconds(file, "ExitAfterSec");
        Duration startDelay = seconds(file, "StartDelaySec");
        Duration stopDelay = seconds(file, "StopDelaySec");
        Double exitCode = number(file, "ExitCode");
        return new HollowBehaviour(
                startDelay == null ? Duration.ZERO : startDelay,
                Boolean.parseBoolean(last(file, "FailStart")),
                Boolean.parseBoolean(last(file, "RefuseStart")),
                exitAfter,
                exitCode == null ? 0 : exitCode.intValue(),
                stopDelay == null ? Duration.ZERO : stopDelay);
    }

    private static @Nullable Duration seconds(UnitFile file, String name) {
        Double seconds = number(file, name);
        return seconds == null || seconds.isNaN() || seconds < 0 || seconds > 1e9
                ? null
                : Duration.ofNanos((long) (seconds * 1e9));
    }

    private static @Nullable Double number(UnitFile file, String name) {
        String text = last(file, name);
        try {
            return text == null ? null : Double.valueOf(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static @Nullable String last(UnitFile file, String name) {
        List<String> values = file.values(SECTION, name);
        return values.isEmpty() ? null : values.get(values.size() - 1);
    }
}
