package io.raftfleet.bench.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * For how long Java machines stood still, from what they log of it: {@code -Xlog:safepoint:file=DIRECTORY/%p.log:time}, a file a process.
 *
 * @param directory with these files
 */
record SafepointLogs(Path directory) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSZ", Locale.ROOT);
    private static final Pattern LINE =
            Pattern.compile("\\[(?<time>[^]]+)\\] Safepoint .*, Total: +(?<nanos>[0-9]+) ns.*");
    private static final double NANOS_PER_MILLI = 1e6;

    /** The longest pause of a process since then, in milliseconds; empty when there was none, or it logs none. */
    OptionalDouble longest(long pid, Instant since) {
        Path file = directory.resolve(pid + ".log");
        return Files.exists(file) ? longest(file, since) : OptionalDouble.empty();
    }

    /** The same over all processes, those that have ended, too. */
    OptionalDouble longest(Instant since) {
        try (var files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".log"))
                    .map(file -> longest(file, since))
                    .flatMapToDouble(OptionalDouble::stream)
                    .max();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static OptionalDouble longest(Path file, Instant since) {
        try {
            return longest(Files.readAllLines(file), since);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static OptionalDouble longest(List<String> lines, Instant since) {
        return lines.stream()
                .map(LINE::matcher)
                .filter(line -> line.matches()
                        && !OffsetDateTime.parse(line.group("time"), TIME)
                                .toInstant()
                                .isBefore(since))
                .mapToDouble(line -> Long.parseLong(line.group("nanos")) / NANOS_PER_MILLI)
                .max();
    }
}
