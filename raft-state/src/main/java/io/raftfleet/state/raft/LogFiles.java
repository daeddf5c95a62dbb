package io.raftfleet.state.raft;

import com.google.common.primitives.Ints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of Ratis' log, looked at before Ratis opens them. A file has a header of eight bytes; then entries, each its length as
 * protobuf's varint, so many bytes, and a CRC-32C of both; then zeros to the end of what was allocated (Ratis'
 * {@code SegmentedRaftLogFormat}).
 *
 * <p>When power fails while an entry is written, a part of it may be there, followed by zeros of the allocation. Ratis takes that for
 * damage. It is none: nobody was told that such an entry is stored, for it was not synced. So it is cut off here.
 */
final class LogFiles {
    private static final Logger LOG = LoggerFactory.getLogger(LogFiles.class);
    private static final Pattern NAME = Pattern.compile("log_(inprogress_\\d+|\\d+-\\d+)");
    private static final Pattern OPEN = Pattern.compile("log_inprogress_\\d+");
    private static final int HEADER = 8;
    private static final int CHECKSUM = 4;
    private static final int MAX_VARINT = 5;
    /** A checksum may end in a zero by itself. */
    private static final int LEAST_MISSING = 2;
    /** How long entries may be that are looked for behind a bad one. */
    private static final int LONGEST_SOUGHT = 64 * 1024;

    private LogFiles() {}

    /** Cuts an incomplete last entry off the file that was written to last, if there is one. */
    static void cutIncompleteEntry(Path group) throws IOException {
        for (Path file : list(group, OPEN)) {
            byte[] bytes = Files.readAllBytes(file);
            int bad = firstBad(bytes);
            if (bad < 0 || !incomplete(bytes, bad)) {
                continue;
            }
            int end = written(bytes);
            LOG.warn(
                    "{}: the last entry, at byte {}, is incomplete and is cut off: it was being written when power failed",
                    file,
                    bad);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                ByteBuffer zeros = ByteBuffer.allocate(end - bad);
                while (zeros.hasRemaining()) {
                    channel.write(zeros, bad + zeros.position());
                }
                channel.force(true);
            }
        }
    }

    /** Where the log is damaged, for people; empty when all its entries are whole. */
    static Optional<String> damage(Path group) throws IOException {
        for (Path file : list(group, NAME)) {
            int bad = firstBad(Files.readAllBytes(file));
            if (bad >= 0) {
                return Optional.of("log file " + file + " is damaged: the entry at byte " + bad
                        + " does not match its checksum. Nothing was changed. Restore the file from a copy of this disk, or"
                        + " replace this engine by one with an empty disk");
            }
        }
        return Optional.empty();
    }

    private static List<Path> list(Path group, Pattern name) throws IOException {
        Path current = group.resolve("current");
        if (!Files.isDirectory(current)) {
            return List.of();
        }
        try (var files = Files.list(current)) {
            return files.filter(f -> name.matcher(f.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
    }

    /** Where the first entry begins that is not whole; -1 when all are. */
    static int firstBad(byte[] bytes) {
        int at = HEADER;
        while (at < bytes.length && bytes[at] != 0) {
            int end = end(bytes, at);
            if (end < 0 || !matches(bytes, at, end)) {
                return at;
            }
            at = end;
        }
        return at < bytes.length && written(bytes) > at ? at : -1;
    }

    /** Whether what begins here lacks its end, and nothing whole follows. */
    static boolean incomplete(byte[] bytes, int at) {
        int written = written(bytes);
        int end = end(bytes, at);
        if (end >= 0 && written > end - LEAST_MISSING) {
            return false;
        }
        for (int next = at + 1; next < written; next++) {
            int nextEnd = end(bytes, next);
            boolean fits = nextEnd > next + CHECKSUM && nextEnd <= written && nextEnd - next <= LONGEST_SOUGHT;
            if (fits && bytes[next] != 0 && matches(bytes, next, nextEnd)) {
                return false;
            }
        }
        return true;
    }

    /** Where the entry that begins here would end, with its checksum; -1 beyond the file. */
    private static int end(byte[] bytes, int at) {
        long length = 0;
        for (int i = 0; i < MAX_VARINT && at + i < bytes.length; i++) {
            length |= (long) (bytes[at + i] & 0x7f) << (7 * i);
            if (bytes[at + i] >= 0) {
                long end = at + i + 1 + length + CHECKSUM;
                return end <= bytes.length ? (int) end : -1;
            }
        }
        return -1;
    }

    private static boolean matches(byte[] bytes, int at, int end) {
        int checksum = end - CHECKSUM;
        CRC32C crc = new CRC32C();
        crc.update(bytes, at, checksum - at);
        return (int) crc.getValue()
                == Ints.fromBytes(bytes[checksum], bytes[checksum + 1], bytes[checksum + 2], bytes[checksum + 3]);
    }

    /** Behind the last byte that is not zero. */
    private static int written(byte[] bytes) {
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
            end--;
        }
        return end;
    }
}
