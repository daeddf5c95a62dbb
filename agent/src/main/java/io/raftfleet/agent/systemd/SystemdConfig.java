package io.raftfleet.agent.systemd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * Which systemd a {@link SystemdUnitManager} speaks to, and how.
 *
 * @param address D-Bus address: of a bus, or of systemd's private socket
 * @param direct whether {@code address} is the private socket. It needs no bus daemon, so that it is faster and does not end
 *     with one; {@code systemctl} uses it too. Only systemd's own user may connect to it
 * @param unitsDirectory where unit files are kept; nothing else may be there
 * @param searchDirectory the directory of systemd's search path into which they are linked
 * @param bootIdFile holds the machine's boot id in the kernel's format; read at each new connection
 * @param timing how long things may take
 */
public record SystemdConfig(
        String address, boolean direct, Path unitsDirectory, Path searchDirectory, Path bootIdFile, Timing timing) {
    private static final Pattern BOOT_ID = Pattern.compile("[0-9a-f]{32}");
    private static final Path KERNEL_BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    /**
     * The same as process 1 sees it. A container has one of its own mounted over the kernel's, which the sandbox of the agent's service
     * hides from the agent: it would take the container's next boot for the same.
     */
    private static final Path FIRST_PROCESS_BOOT_ID = Path.of("/proc/1/root" + KERNEL_BOOT_ID);

    public SystemdConfig {
        if (unitsDirectory
                .toAbsolutePath()
                .normalize()
                .equals(searchDirectory.toAbsolutePath().normalize())) {
            throw new IllegalArgumentException(
                    "the units directory " + unitsDirectory + " must not be the one that systemd searches");
        }
    }

    /**
     * How long things may take, and how much may be under way.
     *
     * @param call until systemd answers a call, not counting while it reads its files; a later answer counts as a lost connection
     * @param reload until systemd has read all its files again, whoever asked for that
     * @param start until systemd has accepted a job that it was asked for, and how long orders wait for a connection to it
     * @param stop from a stop job on, until systemd is asked whether it is still at it, and then again
     * @param retryMin the first pause before another attempt to connect, then doubled and jittered up to {@code retryMax}
     * @param retryMax the longest such pause
     * @param settle after an installation, until units that nobody starts are asked for their state; also after a start that ended
     *     without a word on it
     * @param window how many jobs may be asked for at once, unanswered
     * @param maxOrders how many orders may wait; more are refused
     */
    public record Timing(
            Duration call,
            Duration reload,
            Duration start,
            Duration stop,
            Duration retryMin,
            Duration retryMax,
            Duration settle,
            int window,
            int maxOrders) {
        /** What suits a machine of any size. The stop time is systemd's own default of 90 s and a little more. */
        public static final Timing DEFAULT = new Timing(
                Duration.ofSeconds(30),
                Duration.ofSeconds(90),
                Duration.ofMinutes(2),
                Duration.ofSeconds(100),
                Duration.ofMillis(50),
                Duration.ofSeconds(10),
                Duration.ofMillis(100),
                // systemd begins jobs when no call waits, and then all before it looks at anything else: of 750
                // that were asked for at once, the first was done after the last had begun.
                1,
                100_000);
    }

    /** The machine's own systemd, through its private socket; for a process that runs as root. */
    public static SystemdConfig ofMachine(Path unitsDirectory) {
        return new SystemdConfig(
                "unix:path=/run/systemd/private",
                true,
                unitsDirectory,
                Path.of("/run/systemd/system"),
                usualBootIdFile(),
                Timing.DEFAULT);
    }

    /**
     * A user's systemd, through its private socket; for a process of that user.
     *
     * @param runtimeDirectory the user's {@code XDG_RUNTIME_DIR}
     */
    public static SystemdConfig ofUser(Path runtimeDirectory, Path unitsDirectory) {
        return new SystemdConfig(
                "unix:path=" + runtimeDirectory.resolve("systemd/private"),
                true,
                unitsDirectory,
                runtimeDirectory.resolve("systemd/user"),
                usualBootIdFile(),
                Timing.DEFAULT);
    }

    /** Only root may look into process 1's. */
    private static Path usualBootIdFile() {
        return Files.isReadable(FIRST_PROCESS_BOOT_ID) ? FIRST_PROCESS_BOOT_ID : KERNEL_BOOT_ID;
    }

    /** The same systemd by another D-Bus address. systemd's private socket is told from a bus by its name. */
    public SystemdConfig withAddress(String other) {
        return new SystemdConfig(
                other, other.endsWith("/systemd/private"), unitsDirectory, searchDirectory, bootIdFile, timing);
    }

    /** The same systemd, whose machine's boot id is somewhere else. */
    public SystemdConfig withBootIdFile(Path other) {
        return new SystemdConfig(address, direct, unitsDirectory, searchDirectory, other, timing);
    }

    /** The same with other times and limits. */
    public SystemdConfig withTiming(Timing other) {
        return new SystemdConfig(address, direct, unitsDirectory, searchDirectory, bootIdFile, other);
    }

    /**
     * The boot id now, as systemd writes it: 32 hexadecimal digits.
     *
     * @throws IOException also when the file holds something else
     */
    String readBootId() throws IOException {
        String bootId;
        try {
            bootId = Files.readString(bootIdFile).strip().replace("-", "");
        } catch (IOException unreadable) {
            throw new IOException("the boot id can't be read: " + unreadable, unreadable);
        }
        if (!BOOT_ID.matcher(bootId).matches()) {
            throw new IOException(bootIdFile + " holds no boot id: " + bootId);
        }
        return bootId;
    }
}
