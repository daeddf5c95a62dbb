package io.raftfleet.agent.main;

import io.raftfleet.agent.session.ClusterMemory;
import io.raftfleet.identity.ca.PrivateFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The agent's folder, held against a second process as long as this is open. Safe for use by any thread. */
final class DataDir implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DataDir.class);
    private static final String CLUSTER = "cluster";

    private final Path folder;
    private final FileChannel lockFile;

    private DataDir(Path folder, FileChannel lockFile) {
        this.folder = folder;
        this.lockFile = lockFile;
    }

    /** @throws IOException when the folder can't be used, or another agent uses it */
    static DataDir open(Path folder) throws IOException {
        PrivateFile.directory(folder);
        Path file = folder.resolve("lock");
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            log.debug("{} is locked by this process", file, e);
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            throw new IOException("the data directory " + folder
                    + " is in use by another agent; stop that one, or give this one its own --data-dir");
        }
        return new DataDir(folder, channel);
    }

    /** Which engines' certificates are revoked. */
    Path revocations() {
        return folder.resolve("revoked-engines");
    }

    Path journal() {
        return folder.resolve("journal");
    }

    /**
     * Keeps the cluster's memory in a file: cluster id, incarnation, term, one a line.
     *
     * @param writer does the writing; calls must not overtake each other
     */
    ClusterMemory.Keeper clusterMemory(Executor writer) {
        return new ClusterMemory.Keeper() {
            @Override
            public ClusterMemory load() {
                Path file = folder.resolve(CLUSTER);
                try {
                    if (!Files.exists(file)) {
                        return ClusterMemory.NONE;
                    }
                    String[] lines = Files.readString(file).split("\n", -1);
                    return new ClusterMemory(
                            lines[0], Long.parseUnsignedLong(lines[1], 16), Long.parseUnsignedLong(lines[2]));
                } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
                    throw new IllegalStateException(
                            file + ", which names the cluster of this machine, can't be read (" + e.getMessage()
                                    + "); mend it, or start once with --adopt-cluster",
                            e);
                }
            }

            @Override
            public void keep(ClusterMemory memory) {
                String text = memory.clusterId() + "\n" + Long.toHexString(memory.incarnation()) + "\n"
                        + Long.toUnsignedString(memory.term()) + "\n";
                writer.execute(() -> write(text));
            }
        };
    }

    /** The next leader is accepted whatever its cluster. */
    void forgetCluster() throws IOException {
        Files.deleteIfExists(folder.resolve(CLUSTER));
        Files.deleteIfExists(revocations());
    }

    private void write(String text) {
        Path next = folder.resolve(CLUSTER + ".new");
        try {
            try (FileChannel channel = FileChannel.open(
                    next, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
                channel.force(true);
            }
            Files.move(
                    next, folder.resolve(CLUSTER), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.error(
                    "{} can't be written ({}): after a restart this agent may follow an engine that leads no more",
                    folder.resolve(CLUSTER),
                    e.getMessage());
        }
    }

    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            log.debug("releasing {} failed", folder, e);
        }
    }
}
