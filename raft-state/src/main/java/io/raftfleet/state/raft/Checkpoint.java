package io.raftfleet.state.raft;

import com.google.common.io.BaseEncoding;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A durable checkpoint: a directory {@code <term>_<index>} that holds a RocksDB database with the registry's rows, and
 * {@code checkpoint.properties}, which says what they must add up to.
 *
 * @param dir the directory
 * @param term of the Raft entry applied last, of whatever kind
 * @param index of that entry
 * @param stateTerm of the entry that the registry applied last, at or before {@code index}
 * @param stateIndex of that entry
 * @param digest of the registry
 * @param entryFormat newest format of the entries that made the registry; an engine that does not read it can't go on from here
 * @param heapBytes what the registry takes of the heap, about; 0 if an older version wrote this, which did not count
 */
record Checkpoint(
        Path dir,
        long term,
        long index,
        long stateTerm,
        long stateIndex,
        ByteString digest,
        int entryFormat,
        long heapBytes) {
    static final String PROPERTIES = "checkpoint.properties";

    private static final Pattern NAME = Pattern.compile("(\\d{1,19})_(\\d{1,19})");
    private static final String FORMAT = "1";

    static String name(long term, long index) {
        return term + "_" + index;
    }

    /** The index that a directory's name says, if it is a checkpoint's name. */
    static Optional<Long> index(Path dir) {
        Matcher matcher = NAME.matcher(dir.getFileName().toString());
        return matcher.matches() ? Optional.of(Long.parseLong(matcher.group(2))) : Optional.empty();
    }

    /** The checkpoint directories in {@code parent}, newest first. */
    static List<Path> list(Path parent) throws IOException {
        if (!Files.isDirectory(parent)) {
            return List.of();
        }
        List<Path> dirs = new ArrayList<>();
        try (Stream<Path> files = Files.list(parent)) {
            files.filter(f -> index(f).isPresent()).forEach(dirs::add);
        }
        dirs.sort(Comparator.comparing((Path d) -> index(d).orElseThrow()).reversed());
        return dirs;
    }

    /** The same in another directory. */
    Checkpoint in(Path other) {
        return new Checkpoint(other, term, index, stateTerm, stateIndex, digest, entryFormat, heapBytes);
    }

    /** Writes {@code checkpoint.properties} into the directory. */
    void store() throws IOException {
        Properties properties = new Properties();
        properties.setProperty("format", FORMAT);
        properties.setProperty("term", Long.toString(term));
        properties.setProperty("index", Long.toString(index));
        properties.setProperty("stateTerm", Long.toString(stateTerm));
        properties.setProperty("stateIndex", Long.toString(stateIndex));
        properties.setProperty("digest", BaseEncoding.base16().encode(digest.toByteArray()));
        properties.setProperty("entryFormat", Integer.toString(entryFormat));
        properties.setProperty("heapBytes", Long.toString(heapBytes));
        Path file = dir.resolve(PROPERTIES);
        try (Writer out = Files.newBufferedWriter(file)) {
            properties.store(out, null);
        }
        DurableFiles.sync(file);
        DurableFiles.sync(dir);
    }

    /** Reads a checkpoint's properties; its rows are another matter. */
    static Checkpoint read(Path dir) throws IOException {
        Path file = dir.resolve(PROPERTIES);
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            properties.load(in);
            if (!FORMAT.equals(properties.getProperty("format"))) {
                throw new IOException(file + " has format " + properties.getProperty("format") + ", this version reads "
                        + FORMAT + ": run the version that wrote it.");
            }
            return new Checkpoint(
                    dir,
                    number(properties, "term"),
                    number(properties, "index"),
                    number(properties, "stateTerm"),
                    number(properties, "stateIndex"),
                    ByteString.copyFrom(BaseEncoding.base16().decode(properties.getProperty("digest", ""))),
                    Integer.parseInt(properties.getProperty("entryFormat", "1")),
                    Long.parseLong(properties.getProperty("heapBytes", "0")));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    private static long number(Properties properties, String key) {
        return Long.parseLong(properties.getProperty(key, ""));
    }

    /** What another engine needs of this directory: all but the digests and logs that receiving and opening left there. */
    List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(dir)) {
            return all.filter(f -> {
                        String name = f.getFileName().toString();
                        return !name.endsWith(".md5") && !name.startsWith("LOG") && !name.equals("LOCK");
                    })
                    .sorted()
                    .toList();
        }
    }
}
