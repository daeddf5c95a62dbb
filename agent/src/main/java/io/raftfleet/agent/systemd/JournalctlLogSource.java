package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.LogSource;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitName;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;

/**
 * Logs and status by {@code journalctl} and {@code systemctl}, one process for each stream. Thread-safe; at most
 * {@value #MAX_STREAMS} streams are open at once.
 */
public final class JournalctlLogSource implements LogSource {
    /** How many streams may be open at once. */
    public static final int MAX_STREAMS = 64;

    private static final Pattern OUTPUT = Pattern.compile("[a-z][a-z-]{0,31}");
    /** What {@code systemctl status} says with its exit code of a unit that is there: active, or not (LSB codes). */
    private static final Set<Integer> STATUS_SHOWN = Set.of(0, 3);

    private final List<String> prefix;
    private final boolean user;
    private final Semaphore free = new Semaphore(MAX_STREAMS);

    /**
     * @param prefix command and arguments that run another command where the units are; empty for here
     * @param user whether the units are a user manager's
     */
    public JournalctlLogSource(List<String> prefix, boolean user) {
        this.prefix = List.copyOf(prefix);
        this.user = user;
    }

    @Override
    public InputStream journal(String unit, int lines, boolean follow, String output) throws IOException {
        if (lines < 0) {
            throw new IOException("the number of lines of " + unit + "'s journal must not be negative: " + lines);
        }
        if (!OUTPUT.matcher(output).matches()) {
            throw new IOException("'" + output + "' is no output format of journalctl");
        }
        List<String> command = new ArrayList<>(List.of("journalctl", "--quiet", "--no-pager"));
        command.add((user ? "--user-unit=" : "--unit=") + checked(unit));
        command.add("--lines=" + lines);
        command.add("--output=" + output);
        if (follow) {
            command.add("--follow");
        }
        return open(unit, command, Set.of(0));
    }

    @Override
    public InputStream status(String unit) throws IOException {
        List<String> command = new ArrayList<>(List.of("systemctl"));
        if (user) {
            command.add("--user");
        }
        command.addAll(List.of("--no-pager", "--full", "status", "--", checked(unit)));
        return open(unit, command, STATUS_SHOWN);
    }

    /** Both commands take patterns, too; these must not get through. */
    private static String checked(String unit) throws IOException {
        try {
            UnitName.validate(unit);
            return unit;
        } catch (InvalidUnitException invalid) {
            throw new IOException(invalid.getMessage(), invalid);
        }
    }

    private InputStream open(String unit, List<String> command, Set<Integer> goodCodes) throws IOException {
        List<String> whole = new ArrayList<>(prefix);
        whole.addAll(command);
        if (!free.tryAcquire()) {
            throw new IOException(
                    unit + ": " + MAX_STREAMS + " journals are being read on this machine already; try again later");
        }
        try {
            ProcessBuilder builder = new ProcessBuilder(whole);
            builder.environment().put("SYSTEMD_COLORS", "0");
            builder.environment().put("LC_ALL", "C.UTF-8");
            return new ProcessStream(builder.start(), whole.getFirst() + " for " + unit, goodCodes, free::release);
        } catch (IOException failed) {
            free.release();
            throw new IOException(unit + ": " + failed.getMessage(), failed);
        }
    }
}
