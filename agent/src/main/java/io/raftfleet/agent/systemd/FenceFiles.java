package io.raftfleet.agent.systemd;

import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitName;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The part of the fence that outlives the agent, in a folder of its own beside the unit files: the lease unit with its script,
 * the drop-in file by which fenced units are bound to it, until when the lease is held, and which units it has stopped. Made
 * when the first fenced unit comes. Nothing here is installed in the cluster's sense.
 *
 * <p>Times are hundredths of a second of {@code /proc/uptime}: scripts read it too, it can't be set, and a process that was
 * paused between reading and writing has written nothing wrong. Used under the {@link UnitStore}'s lock or by the manager's
 * thread, which alone renews.
 */
final class FenceFiles {
    /** No unit can have these names: they have no unit type. */
    static final String FOLDER = ".fence";

    static final String DROP_IN = "90-raftfleet-fence.conf";

    private static final Path UPTIME = Path.of("/proc/uptime");
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Path folder;
    private final Path search;
    private final LongSupplier nanoClock;

    FenceFiles(Path units, Path search, LongSupplier nanoClock) {
        this.folder = units.resolve(FOLDER);
        this.search = search;
        this.nanoClock = nanoClock;
    }

    /** What a fenced unit's drop-in link leads to. */
    Path dropIn() {
        return folder.resolve("unit.conf");
    }

    /** Puts everything in place; returns whether systemd may have loaded something that has changed. */
    boolean prepare() throws IOException {
        Files.createDirectories(folder.resolve("stopped"));
        Files.createDirectories(folder.resolve("began"));
        boolean changed = false;
        for (String script : new String[] {"lease.sh", "stop.sh", "begun.sh", "ended.sh"}) {
            replace(folder.resolve(script), resource(script));
        }
        changed |= replace(dropIn(), dropInText());
        changed |= replace(folder.resolve("lease.service"), leaseUnitText());
        Path link = search.resolve(Fence.LEASE_UNIT);
        try {
            Files.createSymbolicLink(link, folder.resolve("lease.service"));
        } catch (FileAlreadyExistsException there) {
            if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(folder.resolve("lease.service"))) {
                throw new IOException(
                        link + " is not fleet's, and units with Fence=true need a unit of that name; move it away",
                        there);
            }
        }
        return changed;
    }

    /** The lease is held until that time of the clock; one that is over is not written. */
    void renew(long untilNanos) throws IOException {
        long uptime = uptime(); // First: what passes until the other clock is read makes the lease shorter.
        long left = untilNanos - nanoClock.getAsLong();
        if (left > 0) {
            write(folder.resolve("until"), (uptime + left / TICK_NANOS) + "\n");
        }
    }

    /** Whether the lease unit would find the lease held now. */
    boolean held() throws IOException {
        try {
            return Long.parseLong(Files.readString(folder.resolve("until")).strip()) > uptime();
        } catch (NoSuchFileException never) {
            return false;
        } catch (NumberFormatException damaged) {
            throw new IOException(folder.resolve("until") + " holds no time: " + damaged.getMessage(), damaged);
        }
    }

    /** Units that the fence has stopped, or kept from starting, and that have not begun or ended otherwise since. */
    Set<String> stopped() throws IOException {
        Set<String> names = new HashSet<>();
        try (DirectoryStream<Path> marks = Files.newDirectoryStream(folder.resolve("stopped"))) {
            for (Path mark : marks) {
                String name = String.valueOf(mark.getFileName());
                if (UnitName.isValid(name)) {
                    names.add(name);
                }
            }
        } catch (NoSuchFileException noFence) {
            return Set.of();
        }
        return names;
    }

    /** The fence kept a unit from starting. */
    void mark(String unit) throws IOException {
        Files.writeString(folder.resolve("stopped").resolve(unit), "");
    }

    void unmark(String unit) throws IOException {
        Files.deleteIfExists(folder.resolve("stopped").resolve(unit));
    }

    /** The unit is fenced no longer. */
    void forget(String unit) throws IOException {
        unmark(unit);
        Files.deleteIfExists(folder.resolve("began").resolve(unit));
    }

    private static long uptime() throws IOException {
        String text = Files.readString(UPTIME);
        int dot = text.indexOf('.');
        return Long.parseLong(text.substring(0, dot)) * 100 + Long.parseLong(text.substring(dot + 1, dot + 3));
    }

    private String dropInText() {
        return """
                [Unit]
                BindsTo=%1$s
                After=%1$s

                [Service]
                KillMode=control-group
                SendSIGKILL=yes
                FinalKillSignal=SIGKILL
                TimeoutStopSec=%2$d
                TimeoutStopFailureMode=terminate
                ExecCondition=+/bin/sh %3$s %5$s %%n
                ExecStop=
                ExecStopPost=
                ExecStopPost=+/bin/sh %4$s %5$s %%n
                """.formatted(
                        Fence.LEASE_UNIT,
                        Fence.STOP_TIME.toSeconds(),
                        word(folder.resolve("begun.sh")),
                        word(folder.resolve("ended.sh")),
                        word(folder));
    }

    private String leaseUnitText() {
        return """
                [Unit]
                Description=This machine's lease from its cluster, without which fenced units end
                StartLimitIntervalSec=0
                StopWhenUnneeded=yes

                [Service]
                Type=notify
                NotifyAccess=all
                ExecStart=/bin/sh %1$s %2$s %3$d
                ExecStopPost=-/bin/sh %4$s %5$s
                Restart=no
                KillMode=control-group
                TimeoutStartSec=10
                TimeoutStopSec=5
                WatchdogSec=60
                WatchdogSignal=SIGKILL
                """.formatted(
                        word(folder.resolve("lease.sh")),
                        word(folder),
                        TimeUnit.NANOSECONDS.toMicros(Fence.WATCHDOG_SLACK.toNanos()),
                        word(folder.resolve("stop.sh")),
                        word(search));
    }

    /** One word of a command line, as {@code systemd.service(5)} wants it quoted. */
    private static String word(Path path) {
        return '"'
                + path.toString()
                        .replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("%", "%%")
                        .replace("$", "$$")
                + '"';
    }

    private static boolean replace(Path file, String text) throws IOException {
        if (Files.exists(file) && Files.readString(file).equals(text)) {
            return false;
        }
        boolean there = Files.exists(file);
        write(file, text);
        return there;
    }

    private static void write(Path file, String text) throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(temporary, text);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String resource(String name) {
        try (InputStream stream = FenceFiles.class.getResourceAsStream(name)) {
            if (stream == null) {
                throw new IllegalStateException(name + " is missing in the agent's program");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(name + " can't be read from the agent's program", unreadable);
        }
    }
}
