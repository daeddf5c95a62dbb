package io.raftfleet.bench.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads files of {@code /proc}. */
public final class ProcFiles {
    /** Ticks of the clock that {@code stat} counts in, a second: 100 on every Linux that Java runs on. */
    private static final double TICKS = 100;

    /** Of the fields after the command's name, which is the second one of all. */
    private static final int USER_TIME = 11;

    private ProcFiles() {}

    /** A file's whole content. */
    public static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    /**
     * The processor time of a process in seconds, in user and kernel mode.
     *
     * @param stat the content of {@code /proc/PID/stat}; a command's name may hold spaces and parentheses
     */
    public static double cpuSeconds(String stat) {
        int end = stat.lastIndexOf(')');
        var fields = stat.substring(end + 1).strip().split(" ", -1);
        if (end < 0 || fields.length <= USER_TIME + 1) {
            throw new IllegalArgumentException("no stat of a process: " + stat);
        }
        return (Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[USER_TIME + 1])) / TICKS;
    }

    /**
     * A figure in KiB.
     *
     * @param text of lines such as {@code Pss:   1234 kB}
     * @param name such as "Pss"
     * @throws IllegalArgumentException when there is none
     */
    public static long kib(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip().split("\\s+", -1)[0])
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no " + name + " in: " + text));
    }
}
