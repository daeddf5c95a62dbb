package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Capture;
import io.raftfleet.unit.tasks.WatchedTimer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes checkpoints of the registry and loads them. What changed since the last is captured by the thread that applies,
 * and written by a thread of its own: applying never waits for the disk. Two are kept, and the log from the older one
 * on, so that a damaged newest one can be done without.
 *
 * <p>{@code files} guards the directories and the live store. The counters are the applying thread's alone.
 */
final class Checkpoints implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
    private static final int KEPT = 2;
    private static final Duration MIN_RETRY = Duration.ofSeconds(1);
    private static final Duration MAX_RETRY = Duration.ofSeconds(60);

    private final ReplicatedState state;
    private final DataDirectory directory;
    private final Path liveDir;
    private final Path part;
    private final long maxEntries;
    private final long maxBytes;
    private final WatchedTimer writer;
    private final int maxFormat;
    private final long capacity;
    private final ReentrantLock files = new ReentrantLock();

    @GuardedBy("files")
    private @Nullable RowStore live;

    @GuardedBy("files")
    private boolean suspended;

    /** Changed under the lock. Who applies reads it without: nothing is applied during a load. */
    private int loads;

    private volatile @Nullable Path dir;
    private volatile @Nullable Checkpoint latest;
    private volatile @Nullable CompletableFuture<Long> inFlight;
    private volatile LongConsumer purge = index -> {};

    private long entriesSince;
    private long bytesSince;
    /** Newest format of what was applied; written by the applying thread. */
    private volatile int entryFormat = 1;

    Checkpoints(ReplicatedState state, DataDirectory directory, RaftConfig config) {
        this.state = state;
        this.directory = directory;
        this.liveDir = directory.live();
        this.part = directory.part();
        this.maxFormat = config.entryFormat();
        this.capacity = config.capacity();
        this.maxEntries = config.checkpointEntries();
        this.maxBytes = config.checkpointBytes();
        this.writer = new WatchedTimer(
                Thread.ofPlatform()
                        .daemon()
                        .name("raft-checkpoint-" + config.engineId())
                        .factory(),
                fault -> LOG.error("Writing checkpoints of engine {} failed", config.engineId(), fault));
        writer.setKeepAliveTime(10, TimeUnit.SECONDS);
        writer.allowCoreThreadTimeOut(true);
    }

    /** Told, after each checkpoint, up to which index the log is needed no more. */
    void onPurge(LongConsumer action) {
        purge = action;
    }

    /** The newest durable checkpoint, or null. */
    @Nullable
    Checkpoint latest() {
        return latest;
    }

    /** Uses the checkpoints in {@code parent} and restores the registry from the newest, if there is one. */
    @Nullable
    Checkpoint load(Path parent, LoadPolicy policy) throws IOException {
        files.lock();
        try {
            closeLive();
            dir = parent;
            Checkpoint loaded = new CheckpointLoader(state, maxFormat, capacity).load(parent, policy);
            latest = loaded;
            entryFormat = loaded == null ? 1 : loaded.entryFormat();
            // It may be another engine's, with what this one never applied.
            directory.noteFormat(entryFormat);
            suspended = false;
            loads++;
            inFlight = null;
            entriesSince = 0;
            bytesSince = 0;
            return latest;
        } finally {
            files.unlock();
        }
    }

    /** Opens the newest checkpoint and hands it to {@code reader}; not under the lock, for it may take long. */
    void read(CheckpointReader reader) throws IOException {
        Checkpoint opened;
        RowStore store;
        files.lock(); // it is not removed before it is open; then it may be
        try {
            opened = latest;
            if (opened == null) {
                throw new IOException("There is no checkpoint yet in " + dir + ": take one first.");
            }
            store = RowStore.openCheckpoint(opened.dir());
        } finally {
            files.unlock();
        }
        try (store) {
            store.scan(rows -> reader.read(opened.term(), opened.index(), opened.digest(), rows));
        }
    }

    /** What to do about a damaged checkpoint. */
    interface LoadPolicy {
        /** Whether the log holds every entry after {@code index}. */
        boolean logReaches(long index);
    }

    /** Newest format of the entries that made the registry, as far as it is applied; at least 1. */
    int entryFormat() {
        return entryFormat;
    }

    /** An entry of this format is applied, of which nobody has been told yet. Called by the applying thread. */
    void applied(int format) {
        if (format > entryFormat) {
            entryFormat = format;
            directory.noteFormat(format);
        }
    }

    /** An entry applied. Called by the applying thread. */
    void applied(long term, long index, int bytes) {
        entriesSince++;
        bytesSince += bytes;
        if ((entriesSince >= maxEntries || bytesSince >= maxBytes) && inFlight == null) {
            capture(term, index);
        }
    }

    /**
     * Starts a checkpoint at the index applied last unless one is being written. Called by the applying thread.
     */
    void capture(long term, long index) {
        if (inFlight != null) {
            return;
        }
        Capture capture = state.capture();
        int format = entryFormat;
        entriesSince = 0;
        bytesSince = 0;
        CompletableFuture<Long> done = new CompletableFuture<>();
        inFlight = done;
        int loaded = loads;
        writer.execute(() -> write(loaded, term, index, capture, format, done, MIN_RETRY));
    }

    /** Completes with the index of the checkpoint being written, or of the last one; 0 when there is neither. */
    CompletableFuture<Long> written() {
        CompletableFuture<Long> running = inFlight;
        Checkpoint last = latest;
        if (running != null) {
            return running;
        }
        return CompletableFuture.completedFuture(last == null ? 0L : last.index());
    }

    /** Waits for a running write, then leaves the directories alone until the next {@link #load}. */
    void suspend() {
        files.lock();
        try {
            suspended = true;
        } finally {
            files.unlock();
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the next try reports for itself
    private void write(
            int loaded,
            long term,
            long index,
            Capture capture,
            int format,
            CompletableFuture<Long> done,
            Duration retry) {
        long needed;
        files.lock();
        try {
            Path parent = dir;
            if (suspended || parent == null || loaded != loads) { // a load makes captures before it void
                done.cancel(false);
                return;
            }
            long started = System.nanoTime();
            Checkpoint written = persist(parent, term, index, capture, format);
            latest = written;
            needed = retire(parent);
            LOG.info(
                    "Checkpoint {} written: {} changed rows in {} ms",
                    written.dir(),
                    capture.rows().size(),
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started));
            inFlight = null;
        } catch (IOException | RuntimeException e) {
            closeLive(); // RocksDB may refuse to go on after an error; the next try begins with the last checkpoint
            LOG.warn(
                    "Checkpoint at index {} could not be written; the log is kept, next try in {} s. Is {} full?",
                    index,
                    retry.toSeconds(),
                    dir,
                    e);
            Duration longer = retry.multipliedBy(2).compareTo(MAX_RETRY) < 0 ? retry.multipliedBy(2) : MAX_RETRY;
            long delay = retry.toMillis() + ThreadLocalRandom.current().nextLong(retry.toMillis() / 4 + 1);
            writer.schedule(
                    () -> write(loaded, term, index, capture, format, done, longer), delay, TimeUnit.MILLISECONDS);
            return;
        } finally {
            files.unlock();
        }
        if (needed > 0) {
            purge.accept(needed);
        }
        done.complete(index);
    }

    @GuardedBy("files")
    private Checkpoint persist(Path parent, long term, long index, Capture capture, int format) throws IOException {
        Checkpoint before = latest;
        RowStore store = live;
        if (store == null) {
            store = RowStore.openLive(liveDir, before == null ? null : before.dir());
            live = store;
        }
        store.write(capture.rows());
        DurableFiles.deleteTree(part);
        store.checkpoint(part);
        ByteString digest = capture.digest().get();
        var written =
                new Checkpoint(part, term, index, capture.term(), capture.index(), digest, format, capture.heapBytes());
        written.store();
        RowStore.verify(part, before == null ? null : before.dir());
        Path target = parent.resolve(Checkpoint.name(term, index));
        DurableFiles.deleteTree(target);
        Files.createDirectories(parent);
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.sync(parent);
        return written.in(target);
    }

    /** Removes all but the newest; returns the index up to which no kept checkpoint needs the log, 0 for none. */
    private static long retire(Path parent) throws IOException {
        List<Path> all = Checkpoint.list(parent);
        for (Path old : all.subList(Math.min(KEPT, all.size()), all.size())) {
            DurableFiles.deleteTree(old);
        }
        return all.size() < KEPT ? 0 : Checkpoint.index(all.get(KEPT - 1)).orElseThrow();
    }

    @GuardedBy("files")
    private void closeLive() {
        if (live != null) {
            live.close();
            live = null;
        }
    }

    /** Stops writing; waits for a write that is under way. */
    @Override
    public void close() {
        writer.shutdownNow();
        files.lock();
        try {
            suspended = true;
            closeLive();
        } finally {
            files.unlock();
        }
    }
}
