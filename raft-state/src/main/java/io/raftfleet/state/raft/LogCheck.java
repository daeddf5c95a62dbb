package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks through the log's files before Ratis opens them. A power cut can leave the last entry half on the disk: that one was
 * acknowledged by nobody, and is cut off. A wrong checksum anywhere else, or entries that are missing before others, mean that
 * something acknowledged is damaged, and is refused.
 *
 * <p>Ratis' format ({@code SegmentedRaftLogWriter} and {@code SegmentedRaftLogReader} in its source): eight bytes of header, then
 * for each entry its length as a varint, the entry, and the CRC-32C of both; zeros to the end. Ratis itself cuts off an entry
 * only where the file ends within it, but files are allocated ahead, so that after a power cut zeros follow.
 */
final class LogCheck {
    private static final Logger LOG = LoggerFactory.getLogger(LogCheck.class);
    private static final byte[] HEADER = "RaftLog1".getBytes(StandardCharsets.US_ASCII);
    private static final String OPEN = "log_inprogress_";
    private static final Pattern NAME = Pattern.compile("log_(?:inprogress_)?(\\d+).*");
    private static final Pattern CLOSED = Pattern.compile("log_(\\d+)-(\\d+)");
    private static final int LARGEST = 4 * RaftConfig.MAX_ENTRY_BYTES;
    /** What a disk writes as a whole, in bytes. */
    private static final int SECTOR = 512;
    /** Fewer zeros than this at an entry's end may be the entry's own. */
    private static final int LEAST_MISSING = 2;
    /** How long entries may be that are looked for behind a bad one, in bytes. */
    private static final int LONGEST_SOUGHT = 64 * 1024;

    private LogCheck() {}

    /** @throws IOException names the damaged file, where it is damaged, and what to do */
    static void check(Path current) throws IOException {
        if (!Files.isDirectory(current)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> all = Files.list(current)) {
            files = all.filter(f -> f.getFileName().toString().startsWith("log_"))
                    .toList();
        }
        long lastBegin = files.stream().mapToLong(LogCheck::first).max().orElse(0);
        for (Path file : files) {
            byte[] bytes = Files.readAllBytes(file);
            boolean open = file.getFileName().toString().startsWith(OPEN);
            int end = written(bytes);
            if (end == 0 && open) {
                continue; // made, and not begun
            }
            if (!Arrays.equals(Arrays.copyOf(bytes, HEADER.length), HEADER)) {
                if (open && end < HEADER.length && Arrays.equals(bytes, 0, end, HEADER, 0, end)) {
                    continue; // Ratis begins it anew
                }
                throw damaged(file, 0, "it does not begin as a log does");
            }
            check(file, bytes, end, open, lastBegin);
        }
    }

    /**
     * Waits until all that can be read of the log is on the disk. A process that was killed leaves entries that it had written and not
     * yet synced: they can be read until the power goes. Ratis takes what it reads for synced, closes the file, and this engine would
     * say that it has them.
     */
    static void sync(Path current) throws IOException {
        if (Files.isDirectory(current)) {
            DurableFiles.syncTree(current);
        }
    }

    /** After a write or a sync has failed: makes sure that what can be read of the segment that was open is on the disk. */
    static void rewriteOpen(Path current) throws IOException {
        List<Path> open;
        try (Stream<Path> all = Files.list(current)) {
            open = all.filter(f -> f.getFileName().toString().startsWith(OPEN)).toList();
        }
        for (Path file : open) {
            DurableFiles.rewrite(current, file.getFileName().toString());
        }
    }

    private static void check(Path file, byte[] bytes, int end, boolean open, long othersBegin) throws IOException {
        int at = HEADER.length;
        long entries = 0;
        while (at < end) {
            @Nullable Frame frame = Frame.at(bytes, at);
            if (frame != null && frame.sound(bytes)) {
                at = frame.end();
                entries++;
                continue;
            }
            if (!open || !incomplete(bytes, at, end, frame)) {
                throw damaged(file, at, "the entry there does not match its checksum");
            }
            LOG.warn(
                    "Log file {} ends with an entry, at byte {}, that was not written whole before the power went or the"
                            + " process died. Nobody has acknowledged it; it is cut off",
                    file,
                    at);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(at);
                channel.force(true);
            }
            return;
        }
        Matcher name = CLOSED.matcher(file.getFileName().toString());
        if (name.matches()) {
            long next = Long.parseLong(name.group(1)) + entries;
            long last = Long.parseLong(name.group(2));
            // The last file may have been about to be cut back, by order of a new leader, and to be renamed.
            if (next <= last && othersBegin > last) {
                throw damaged(file, at, "entries " + next + " to " + last + " are missing there");
            }
        }
    }

    /** Index of a file's first entry; 0 if its name is none of Ratis'. */
    private static long first(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        return name.matches() ? Long.parseLong(name.group(1)) : 0;
    }

    /** One past the last byte that is not zero. */
    private static int written(byte[] bytes) {
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
            end--;
        }
        return end;
    }

    /**
     * Whether the entry at {@code at} is the file's last, and some of it never came to the disk: its end, or whole sectors
     * before it. A length that leads beyond what was written may itself be damaged: then entries that are whole follow.
     */
    private static boolean incomplete(byte[] bytes, int at, int end, @Nullable Frame frame) {
        if (frame != null && end > frame.end()) {
            return false;
        }
        if (frame != null && end > frame.end() - LEAST_MISSING) {
            return lacksSectors(bytes, frame);
        }
        return !wholeEntryBehind(bytes, at, end);
    }

    private static boolean lacksSectors(byte[] bytes, Frame frame) {
        for (int sector = frame.start() / SECTOR * SECTOR; sector < frame.end(); sector += SECTOR) {
            int from = Math.max(sector, frame.start());
            int to = Math.min(sector + SECTOR, frame.end());
            if (from > frame.start() && isZero(bytes, from, to)) {
                return true;
            }
        }
        return false;
    }

    private static boolean wholeEntryBehind(byte[] bytes, int at, int end) {
        for (int next = at + 1; next < end; next++) {
            @Nullable Frame frame = bytes[next] == 0 ? null : Frame.at(bytes, next);
            if (frame != null && frame.end() <= end && frame.end() - next <= LONGEST_SOUGHT && frame.sound(bytes)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private static IOException damaged(Path file, int at, String what) {
        return new StartRefusedException(
                "Log file " + file + " is damaged at byte " + at + ": " + what + ". This engine must not"
                        + " go on with it. Check the disk; then restore this engine's data directory, or move it away and replace"
                        + " the engine by one with another id, started with --join (fleetctl cluster replace).");
    }

    /** An entry in a file. */
    private record Frame(int start, int body, int length) {
        private static final int CHECKSUM = 4;

        /** Null where no length can be read. */
        static @Nullable Frame at(byte[] bytes, int start) {
            int length = 0;
            for (int i = 0; i < 5 && start + i < bytes.length; i++) {
                byte b = bytes[start + i];
                length |= (b & 0x7f) << (7 * i);
                if (b >= 0) {
                    return length <= 0 || length > LARGEST ? null : new Frame(start, start + i + 1, length);
                }
            }
            return null;
        }

        /** One past the checksum; perhaps beyond the file. */
        int end() {
            return body + length + CHECKSUM;
        }

        boolean sound(byte[] bytes) {
            if (end() > bytes.length) {
                return false;
            }
            CRC32C sum = new CRC32C();
            sum.update(bytes, start, body + length - start);
            int at = body + length;
            int stored = (bytes[at] & 0xff) << 24
                    | (bytes[at + 1] & 0xff) << 16
                    | (bytes[at + 2] & 0xff) << 8
                    | (bytes[at + 3] & 0xff);
            return stored == (int) sum.getValue();
        }
    }
}
