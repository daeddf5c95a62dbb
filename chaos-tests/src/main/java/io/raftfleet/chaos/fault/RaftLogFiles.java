package io.raftfleet.chaos.fault;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The files of an engine's Raft log, as Ratis lays them out: eight bytes of header; entries, each a length (protobuf's varint), that
 * many bytes, four bytes of checksum; zeros to the end of what is allocated.
 */
final class RaftLogFiles {
    private static final int HEADER = 8;
    private static final int CHECKSUM = 4;
    private static final String OPEN = "log_inprogress_";

    /** Where an entry is, with its length and checksum. */
    record Entry(long from, long to) {}

    /** A file and the entries in it. */
    record LogFile(Path path, List<Entry> entries) {
        boolean open() {
            return path.getFileName().toString().startsWith(OPEN);
        }

        long end() {
            return entries.isEmpty() ? HEADER : entries.getLast().to();
        }
    }

    private RaftLogFiles() {}

    /** The one that is written to. */
    static Optional<LogFile> open(Path dataDir) {
        return all(dataDir).stream().filter(LogFile::open).findFirst();
    }

    /** The one with the most entries. */
    static Optional<LogFile> longest(Path dataDir) {
        return all(dataDir).stream()
                .max(Comparator.comparingInt(file -> file.entries().size()));
    }

    private static List<LogFile> all(Path dataDir) {
        try (var files = Files.walk(dataDir)) {
            var found = new ArrayList<LogFile>();
            for (var file : files.filter(f -> f.getFileName().toString().matches("log_(inprogress_\\d+|\\d+-\\d+)"))
                    .toList()) {
                found.add(new LogFile(file, entries(file)));
            }
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException("the log below " + dataDir + " can't be read", e);
        }
    }

    private static List<Entry> entries(Path path) throws IOException {
        var entries = new ArrayList<Entry>();
        try (var file = new RandomAccessFile(path.toFile(), "r")) {
            long at = HEADER;
            while (at < file.length()) {
                file.seek(at);
                long length = 0;
                int shift = 0;
                int next;
                do {
                    next = file.read();
                    length |= (long) (next & 0x7f) << shift;
                    shift += 7;
                } while (next >= 0x80 && shift < 35);
                long to = file.getFilePointer() + length + CHECKSUM;
                if (length == 0 || next < 0 || to > file.length()) {
                    break;
                }
                entries.add(new Entry(at, to));
                at = to;
            }
        }
        return entries;
    }

    /** Changes one byte; doing so again restores it. */
    static void flip(Path path, long at) {
        try (var file = new RandomAccessFile(path.toFile(), "rws")) {
            file.seek(at);
            int was = file.read();
            file.seek(at);
            file.write(was ^ 0x55);
        } catch (IOException e) {
            throw new UncheckedIOException(path + " can't be changed", e);
        }
    }

    /** Writes bytes into a file. */
    static void write(Path path, long at, byte[] bytes) {
        try (var file = new RandomAccessFile(path.toFile(), "rws")) {
            file.seek(at);
            file.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(path + " can't be written", e);
        }
    }
}
