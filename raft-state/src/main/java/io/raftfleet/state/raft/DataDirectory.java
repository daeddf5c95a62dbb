package io.raftfleet.state.raft;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An engine's data directory, held by one process at a time. It belongs to one engine of one cluster for good; who that
 * is, is written in {@code engine.properties}.
 *
 * <p>Layout: {@code engine.properties}, {@code lock}, {@code raft/} (log, votes and checkpoints, kept by Ratis),
 * {@code live/} (scratch copy of the newest checkpoint, rebuilt at each start).
 */
final class DataDirectory implements AutoCloseable {
    private static final String IDENTITY = "engine.properties";
    private static final String LOCK = "lock";

    private final Path root;
    private final FileChannel lockFile;

    private DataDirectory(Path root, FileChannel lockFile) {
        this.root = root;
        this.lockFile = lockFile;
    }

    /**
     * Takes the directory for an engine; makes it when {@code bootstrap} says so.
     *
     * @throws IOException when it is another's, in use, empty without {@code bootstrap}, or can't be read or written
     */
    static DataDirectory open(RaftConfig config) throws IOException {
        Path root = config.dataDir();
        Path identity = root.resolve(IDENTITY);
        if (!Files.exists(identity)) {
            requireNew(config, root);
            Files.createDirectories(root);
        }
        FileChannel lockFile =
                FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            lock(root, lockFile);
            if (Files.exists(identity)) {
                check(config, root, identity);
            } else {
                write(config, root, identity);
            }
            return new DataDirectory(root, lockFile);
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    Path raft() {
        return root.resolve("raft");
    }

    Path live() {
        return root.resolve("live");
    }

    /** Where Ratis keeps the group: see {@code RaftStorageDirectory} in its source. */
    Path group(UUID clusterId) {
        return raft().resolve(clusterId.toString());
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }

    private static void requireNew(RaftConfig config, Path root) throws IOException {
        if (Files.isDirectory(root)) {
            try (Stream<Path> files = Files.list(root)) {
                if (files.anyMatch(f -> !f.getFileName().toString().equals(LOCK))) {
                    throw new IOException(
                            "Data directory " + root + " has no " + IDENTITY + " but is not empty: it is no"
                                    + " engine's directory, or was damaged. Give engine '" + config.engineId()
                                    + "' another directory, or restore this one.");
                }
            }
        }
        if (!config.bootstrap()) {
            throw new IOException("Data directory " + root + " of engine '" + config.engineId() + "' in cluster "
                    + config.clusterId() + " is empty. An engine without its log must not vote: restore the directory,"
                    + " or, only to form a new cluster, start with bootstrap.");
        }
    }

    @SuppressWarnings("resource") // the lock lives as long as its channel
    private static void lock(Path root, FileChannel lockFile) throws IOException {
        FileLock lock;
        try {
            lock = lockFile.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new IOException("Data directory " + root
                    + " is in use by another engine process: stop that one, or give this one a directory of its own.");
        }
    }

    private static void check(RaftConfig config, Path root, Path identity) throws IOException {
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(identity)) {
            properties.load(in);
        } catch (IllegalArgumentException e) {
            throw new IOException(identity + " can't be read: restore it from a backup of this directory.", e);
        }
        refuse(
                root,
                "cluster",
                properties.getProperty("cluster"),
                config.clusterId().toString());
        refuse(root, "engine", properties.getProperty("engine"), config.engineId());
    }

    private static void refuse(Path root, String what, @Nullable String found, String wanted) throws IOException {
        if (!wanted.equals(found)) {
            throw new IOException("Data directory " + root + " belongs to " + what + " '" + found + "', not to '"
                    + wanted + "': start it with that " + what + " id, or give '" + wanted
                    + "' a directory of its own.");
        }
    }

    private static void write(RaftConfig config, Path root, Path identity) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("cluster", config.clusterId().toString());
        properties.setProperty("engine", config.engineId());
        Path part = root.resolve(IDENTITY + ".part");
        try (Writer out = Files.newBufferedWriter(part)) {
            properties.store(out, "Whose directory this is. Do not change.");
        }
        DurableFiles.sync(part);
        Files.move(part, identity, StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.sync(root);
    }
}
