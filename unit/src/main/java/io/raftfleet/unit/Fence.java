package io.raftfleet.unit;

import java.time.Duration;

/**
 * What engine and agent must agree on for units with {@code Fence=true}: such a unit runs only while its machine holds a lease
 * from the leader, and its machine counts as lost only when the unit has certainly ended. The lease lasts one TTL; then systemd
 * stops the unit, for which it has {@link #STOP_TIME}; {@link #drift} is the margin for everything that is not exact.
 */
public final class Fence {
    /** The unit by which an agent tells systemd that fenced units may run; no unit of the cluster can have its name. */
    public static final String LEASE_UNIT = "raftfleet-lease.service";

    /** From the end of the lease: SIGTERM at once, SIGKILL after this long. */
    public static final Duration STOP_TIME = Duration.ofSeconds(10);

    /**
     * How much later than at its end a lease that is not renewed may be noticed on the machine: a process that waits for that
     * moment tells systemd at once, and systemd's watchdog replaces it this much later when it can't.
     */
    public static final Duration WATCHDOG_SLACK = Duration.ofSeconds(1);

    /** Twice the watchdog's slack: the other half is for systemd's own work on a busy machine. */
    private static final Duration FIXED_DRIFT = Duration.ofSeconds(2);

    /** Clocks of two machines run apart by far less than this part of the time that they measure. */
    private static final int DRIFT_DIVISOR = 20;

    /** An option's line in the form in which unit files are stored. */
    private static final String LINE = "\n" + FleetOptions.FENCE + "=";

    private Fence() {}

    /** The margin with leases of this length: 2 s and 5 %. */
    public static Duration drift(Duration ttl) {
        return FIXED_DRIFT.plus(ttl.dividedBy(DRIFT_DIVISOR));
    }

    /** How long after the TTL a machine may still run a fenced unit. */
    public static Duration afterTtl(Duration ttl) {
        return STOP_TIME.plus(drift(ttl));
    }

    /**
     * Whether a unit with this file is fenced. Costs next to nothing for files without the option.
     *
     * @param text a stored file's, see {@link UnitFile#text()}
     */
    public static boolean applies(String unitName, String text) {
        if (!text.contains(LINE)) {
            return false;
        }
        try {
            return Requirements.of(unitName, UnitFile.parse(text)).fence();
        } catch (InvalidUnitException notStored) {
            return false;
        }
    }
}
