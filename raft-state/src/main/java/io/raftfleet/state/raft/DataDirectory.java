package io.raftfleet.state.raft;

import io.raftfleet.identity.ca.PrivateFile;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An engine's data directory, held by one process at a time. It belongs to one engine of one cluster for good; who that
 * is, and whether it has ever taken part in Raft, is written in {@code engine.properties}. An engine that has must never
 * start without what it wrote: it would vote again where it has voted, and forget what it had acknowledged.
 *
 * <p>Layout: {@code engine.properties}, {@code lock}, {@code raft/} (log, votes and checkpoints, kept by Ratis),
 * {@code entry-format} (newest format of what it holds, for packages),
 * {@code live/} (scratch copy of the newest checkpoint, rebuilt at each start), {@code checkpoint.part} (one being written),
 * {@code restore.backup} (what the registry is to begin with, gone once it has). Beside these, and none of Raft's, may lie
 * {@code certificates/}, which {@code fleet-engine init} and {@code join} make, {@code former-*} (registries that were set aside), and
 * what a file system of its own has.
 *
 * <p>Used by one thread, the one that starts the engine; but {@link #noteFormat}, guarded by the lock, by those that apply and load.
 */
final class DataDirectory implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataDirectory.class);
    private static final String IDENTITY = "engine.properties";
    private static final String QUARANTINED = "quarantined";
    private static final String FORMAT = "entry-format";
    private static final String LOCK = "lock";
    private static final String ORIGIN = "origin";
    private static final String FORMED = "formed";
    private static final String JOINED = "join";
    private static final String BOOTSTRAPPED = "bootstrap";
    /** How to begin was said before the first start; gone with that. */
    private static final String PREPARED = "prepared";
    /** From where the registry is to be restored; gone once it is whole. */
    private static final String RESTORE = "restore";

    private static final String FROM_BACKUP = "backup";
    private static final String FROM_ETCD = "etcd";
    private static final String BACKUP = "restore.backup";
    private static final String FORMER = "former-";
    /** Of a file that is being written. */
    private static final String PART = ".part";
    /** What an engine writes: nothing else is moved when its registry is set aside. The identity is last: without the rest it is refused. */
    private static final List<String> REGISTRY =
            List.of("raft", "live", "checkpoint.part", FORMAT, QUARANTINED, BACKUP, IDENTITY);
    /** What may lie in the directory of an engine that has not begun. */
    private static final Set<String> BESIDE = Set.of(LOCK, FirstStart.CERTIFICATES, "lost+found");

    private final Path root;
    private final UUID clusterId;
    private final FileChannel lockFile;
    private final Properties identity;

    private DataDirectory(Path root, UUID clusterId, FileChannel lockFile, Properties identity) {
        this.root = root;
        this.clusterId = clusterId;
        this.lockFile = lockFile;
        this.identity = identity;
    }

    /**
     * Takes the directory for an engine; makes it when {@code bootstrap} or {@code join} says so.
     *
     * @throws IOException when it is another's, in use, empty without being told how to begin, has lost its log, or can't
     *     be read or written
     */
    static DataDirectory open(RaftConfig config) throws IOException {
        Path root = config.dataDir();
        Path file = root.resolve(IDENTITY);
        if (!Files.exists(file)) {
            requireEmpty(config, root);
            requireOrder(config, root);
            PrivateFile.directory(root);
        }
        FileChannel lockFile = openLock(root);
        try {
            lock(root, lockFile);
            Properties identity = Files.exists(file) ? read(config, root, file) : new Properties();
            DataDirectory directory = new DataDirectory(root, config.clusterId(), lockFile, identity);
            String quarantined = directory.quarantined();
            if (quarantined != null) {
                throw new StartRefusedException("Engine '" + config.engineId() + "' does not start on " + root
                        + " any more, see " + root.resolve(QUARANTINED) + ": " + quarantined);
            }
            if (!directory.formed() && !Boolean.parseBoolean(identity.getProperty(PREPARED))) {
                requireOrder(config, root);
                identity.setProperty("cluster", config.clusterId().toString());
                identity.setProperty("engine", config.engineId());
                identity.setProperty(ORIGIN, config.join() ? JOINED : BOOTSTRAPPED);
                directory.write();
            } else if (directory.formed() && !Files.isDirectory(directory.group())) {
                throw new StartRefusedException("Data directory " + root + " has lost its log, " + directory.group()
                        + ": engine '" + config.engineId() + "' must not vote again without it. Restore it; or, while a"
                        + " majority of the others runs, have the cluster replace it (fleetctl cluster replace) by an engine"
                        + " with another id and directory; or, if no majority can be started any more, bring the cluster back"
                        + " with fleet-engine restore. Keep the certificates.");
            }
            return directory;
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    /**
     * Takes the directory of an engine that does not run, whichever engine's of whichever cluster it is, to read what it holds.
     *
     * @throws IOException when it is in use, or no engine has ever taken part in Raft with it
     */
    static DataDirectory openStopped(Path root) throws IOException {
        Path file = root.resolve(IDENTITY);
        if (!Files.exists(file)) {
            throw new IOException("Data directory " + root + " has no " + IDENTITY
                    + ": it is no engine's. Name the one of an engine" + " that took part in the cluster.");
        }
        FileChannel lockFile = openLock(root);
        try {
            lock(root, lockFile);
            Properties identity = load(file);
            DataDirectory directory =
                    new DataDirectory(root, UUID.fromString(identity.getProperty("cluster", "")), lockFile, identity);
            if (!Files.isDirectory(directory.group())) {
                throw new IOException("Data directory " + root + " has no log, " + directory.group()
                        + ": there is nothing in it to recover. Try another engine's.");
            }
            return directory;
        } catch (IllegalArgumentException e) {
            lockFile.close();
            throw new IOException(file + " does not say whose directory this is: restore that file.", e);
        } catch (IOException | RuntimeException e) {
            lockFile.close();
            throw e;
        }
    }

    /** The engine whose directory this is. */
    String engineId() {
        return identity.getProperty("engine", "");
    }

    /** The cluster whose directory this is. */
    UUID clusterId() {
        return clusterId;
    }

    /** Whether the engine has taken part in Raft: its log is its duty from then on. */
    boolean formed() {
        return Boolean.parseBoolean(identity.getProperty(FORMED)) || Files.isDirectory(group());
    }

    /** Whether this engine began empty beside a cluster, rather than as one of the first. */
    boolean joined() {
        return JOINED.equals(identity.getProperty(ORIGIN));
    }

    /** See {@link FirstStart#prepare}. */
    static void prepare(Path root, UUID clusterId, String engineId, boolean join) throws IOException {
        Path file = root.resolve(IDENTITY);
        boolean prepared = Files.exists(file) && Boolean.parseBoolean(load(file).getProperty(PREPARED));
        Optional<Path> found = prepared ? Optional.empty() : inTheWay(root);
        if (found.isPresent()) {
            throw new StartRefusedException("Data directory " + root + " is not empty, it has " + found.get()
                    + ": an engine begins with a directory that has no more than certificates. Choose another; or, if"
                    + " what an engine left there is not needed any more, move that away, and keep the certificates.");
        }
        PrivateFile.directory(root);
        write(root, preparation(clusterId, engineId, join ? JOINED : BOOTSTRAPPED));
    }

    /** See {@link FirstStart#restore}. */
    static Optional<Path> prepareRestoration(Path root, UUID clusterId, String engineId, @Nullable Path backup)
            throws IOException {
        PrivateFile.directory(root);
        try (FileChannel lockFile = openLock(root)) {
            lock(root, lockFile);
            removeParts(root);
            Path part = root.resolve(BACKUP + PART);
            try {
                if (backup != null) {
                    Files.createFile(
                            part, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                    try (OutputStream out = Files.newOutputStream(part)) {
                        Files.copy(backup, out);
                    }
                    DurableFiles.sync(part);
                }
                Optional<Path> former = moveAside(root);
                if (backup != null) {
                    Files.move(part, root.resolve(BACKUP), StandardCopyOption.ATOMIC_MOVE);
                }
                Properties identity = preparation(clusterId, engineId, BOOTSTRAPPED);
                identity.setProperty(RESTORE, backup == null ? FROM_ETCD : FROM_BACKUP);
                write(root, identity);
                return former;
            } finally {
                Files.deleteIfExists(part);
            }
        }
    }

    private static Properties preparation(UUID clusterId, String engineId, String origin) {
        Properties identity = new Properties();
        identity.setProperty("cluster", clusterId.toString());
        identity.setProperty("engine", engineId);
        identity.setProperty(ORIGIN, origin);
        identity.setProperty(PREPARED, "true");
        return identity;
    }

    /** See {@link FirstStart#setAside}. */
    static Optional<Path> setAside(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            return Optional.empty();
        }
        try (FileChannel lockFile = openLock(root)) {
            lock(root, lockFile);
            removeParts(root);
            return moveAside(root);
        }
    }

    private static FileChannel openLock(Path root) throws IOException {
        return FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /** What a process left that ended while it wrote a file: the file itself is as it was. */
    private static void removeParts(Path root) throws IOException {
        for (String file : List.of(BACKUP, FORMAT, IDENTITY)) {
            Files.deleteIfExists(root.resolve(file + PART));
        }
    }

    private static Optional<Path> moveAside(Path root) throws IOException {
        List<Path> registry =
                REGISTRY.stream().map(root::resolve).filter(Files::exists).toList();
        if (registry.isEmpty()) {
            return Optional.empty();
        }
        Path former = Files.createTempDirectory(root, FORMER);
        for (Path file : registry) {
            Files.move(file, former.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE);
        }
        DurableFiles.sync(former);
        DurableFiles.sync(root);
        return Optional.of(former);
    }

    /** Whether the registry is to be restored from etcd, and is not yet. */
    boolean restoresFromEtcd() {
        return FROM_ETCD.equals(identity.getProperty(RESTORE));
    }

    /** The backup that the registry is to be restored from; empty when there is none, or it is done. */
    Optional<Path> backup() {
        return FROM_BACKUP.equals(identity.getProperty(RESTORE)) ? Optional.of(root.resolve(BACKUP)) : Optional.empty();
    }

    /** Whether the engine is to begin as the only member: those of a former life are to join it as new ones. */
    boolean restores() {
        return identity.containsKey(RESTORE);
    }

    /** The registry is whole: nothing is to be restored here any more. */
    synchronized void markRestored() throws IOException {
        if (identity.remove(RESTORE) != null) {
            write();
            Files.deleteIfExists(root.resolve(BACKUP));
        }
    }

    /** To be called before the engine first takes part in Raft. */
    void markFormed() throws IOException {
        if (!Boolean.parseBoolean(identity.getProperty(FORMED))) {
            identity.remove(PREPARED);
            identity.setProperty(FORMED, "true");
            write();
        }
    }

    /** Makes the directory of an engine that has not taken part in Raft yet as empty as it was, so that another may begin in it. */
    void vacate() throws IOException {
        if (!formed()) {
            DurableFiles.deleteTree(raft());
            Files.deleteIfExists(root.resolve(IDENTITY));
            DurableFiles.sync(root);
        }
    }

    /** Makes this directory unfit for an engine, for a reason that people read. */
    void quarantine(String reason) throws IOException {
        Path file = root.resolve(QUARANTINED);
        Files.writeString(file, reason + "\n");
        DurableFiles.sync(file);
        DurableFiles.sync(root);
    }

    /**
     * Notes which entry format has to be read to go on from here, for who is about to install an older version. What is noted only rises:
     * the log may hold what is not applied again yet. Nothing else goes by it: when it can't be written, that warning alone is missing.
     */
    synchronized void noteFormat(int format) {
        Path part = root.resolve(FORMAT + PART);
        Path file = root.resolve(FORMAT);
        try {
            if (format <= notedFormat(file)) {
                return;
            }
            Files.writeString(part, format + "\n");
            DurableFiles.sync(part);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("Entry format {} could not be noted in {}: {}", format, root, e.toString());
        }
    }

    private static int notedFormat(Path file) throws IOException {
        try {
            return Integer.parseInt(Files.readString(file).strip());
        } catch (NoSuchFileException | NumberFormatException e) {
            return 1;
        }
    }

    /** The reason why it is in quarantine, or null. */
    @Nullable
    String quarantined() throws IOException {
        Path file = root.resolve(QUARANTINED);
        return Files.exists(file) ? Files.readString(file).strip() : null;
    }

    Path raft() {
        return root.resolve("raft");
    }

    /** A checkpoint while it is written. */
    Path part() {
        return root.resolve("checkpoint.part");
    }

    Path live() {
        return root.resolve("live");
    }

    /** Where Ratis keeps the group: see {@code RaftStorageDirectory} in its source. */
    Path group() {
        return raft().resolve(clusterId.toString());
    }

    /** Directories of other Raft groups, or of nobody knows whom, beside this engine's log. They are not this engine's to touch. */
    List<Path> strangers() throws IOException {
        if (!Files.isDirectory(raft())) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(raft())) {
            return all.filter(f -> Files.isDirectory(f) && !f.equals(group()))
                    .sorted()
                    .toList();
        }
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }

    private static void requireEmpty(RaftConfig config, Path root) throws IOException {
        Optional<Path> found = inTheWay(root);
        if (found.isPresent()) {
            throw new StartRefusedException("Data directory " + root + " has no " + IDENTITY
                    + " but is not empty, it has " + found.get() + ": it is no engine's directory, or was damaged. Give"
                    + " engine '" + config.engineId()
                    + "' another directory, or restore this one; or, if its registry is"
                    + " lost for good, move that file away, and keep the certificates.");
        }
    }

    /** A file that has no place in the directory of an engine that has not begun. */
    private static Optional<Path> inTheWay(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(root)) {
            return files.filter(file -> {
                        String name = file.getFileName().toString();
                        return !BESIDE.contains(name) && !name.startsWith(FORMER);
                    })
                    .sorted()
                    .findFirst();
        }
    }

    private static void requireOrder(RaftConfig config, Path root) throws IOException {
        if (!config.bootstrap() && !config.join()) {
            throw new StartRefusedException("Data directory " + root + " of engine '" + config.engineId()
                    + "' in cluster "
                    + config.clusterId() + " is empty. An engine without its log must not vote: restore the directory;"
                    + " or start with join, under another engine id, and have the cluster replace the lost engine by"
                    + " it; or, if no majority of the engines can be started any more, bring the cluster back with fleet-engine"
                    + " restore; or, only to form a new cluster, start with bootstrap.");
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

    private static Properties read(RaftConfig config, Path root, Path file) throws IOException {
        Properties properties = load(file);
        refuse(
                root,
                "cluster",
                properties.getProperty("cluster"),
                config.clusterId().toString());
        refuse(root, "engine", properties.getProperty("engine"), config.engineId());
        return properties;
    }

    private static Properties load(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            properties.load(in);
        } catch (IllegalArgumentException e) {
            throw new StartRefusedException(file + " can't be read: restore it from a backup of this directory.", e);
        }
        return properties;
    }

    private static void refuse(Path root, String what, @Nullable String found, String wanted) throws IOException {
        if (!wanted.equals(found)) {
            throw new StartRefusedException(
                    "Data directory " + root + " belongs to " + what + " '" + found + "', not to '"
                            + wanted + "': start it with that " + what + " id, or give '" + wanted
                            + "' a directory of its own.");
        }
    }

    private void write() throws IOException {
        write(root, identity);
    }

    private static void write(Path root, Properties identity) throws IOException {
        Path part = root.resolve(IDENTITY + PART);
        try (Writer out = Files.newBufferedWriter(part)) {
            identity.store(out, "Whose directory this is. Do not change.");
        }
        DurableFiles.sync(part);
        Files.move(part, root.resolve(IDENTITY), StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.sync(root);
    }
}
