package io.raftfleet.agent.manager;

/**
 * What tells one life of a machine's unit manager from another, as one word: the kernel's boot id, 32 hexadecimal digits, and where it is
 * known, behind a dash, when the unit manager itself began. systemd may begin anew in the same boot, as by {@code systemctl soft-reboot} or
 * with its container, and then runs nothing that it ran before.
 */
public final class BootIds {
    private static final char DASH = '-';

    private BootIds() {}

    /** @param managerStart in microseconds of the monotonic clock */
    public static String of(String kernel, long managerStart) {
        return join(kernel, Long.toHexString(managerStart));
    }

    /** The two parts together. */
    public static String join(String kernel, String managerStart) {
        return managerStart.isEmpty() ? kernel : kernel + DASH + managerStart;
    }

    /** The kernel's part. */
    public static String kernel(String bootId) {
        int dash = bootId.indexOf(DASH);
        return dash < 0 ? bootId : bootId.substring(0, dash);
    }

    /** The unit manager's part; empty when that is not known. */
    public static String managerStart(String bootId) {
        int dash = bootId.indexOf(DASH);
        return dash < 0 ? "" : bootId.substring(dash + 1);
    }

    /** Whether what was noted under {@code noted}, where the manager's part may be missing, may be of {@code current}. */
    public static boolean mayBe(String noted, String current) {
        return noted.equals(current) || (managerStart(noted).isEmpty() && noted.equals(kernel(current)));
    }
}
