package io.raftfleet.state.raft;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicatedState.Capture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.util.SizeInBytes;
import org.jspecify.annotations.Nullable;

/**
 * What an engine that does not run has on its disk: its newest checkpoint and all of its log behind that. For the day when a
 * majority of the engines is gone for good, and no log will ever be said to be committed again.
 *
 * <p>All entries of the log are applied, also those that this engine does not know to be committed: a write that was acknowledged
 * may be among them, and the others that had it are gone. Those that were never acknowledged take effect by it, which a retry of
 * them would have done too. What only lost engines had is not here.
 *
 * <p>Holds the directory's lock until it is closed, so that the engine can't be started meanwhile. Used by one thread.
 */
public final class StoppedEngine implements AutoCloseable {
    private static final SizeInBytes LARGEST_ENTRY = SizeInBytes.valueOf(4L * RaftConfig.MAX_ENTRY_BYTES);

    private final DataDirectory directory;
    private final ReplicatedState state;
    private final boolean upToDamage;
    private @Nullable Checkpoint checkpoint;
    private long term;
    private long index;
    private long committed;
    private @Nullable String damage;

    private StoppedEngine(DataDirectory directory, ReplicatedState state, boolean upToDamage) {
        this.directory = directory;
        this.state = state;
        this.upToDamage = upToDamage;
    }

    /**
     * Reads a data directory into a state that is empty.
     *
     * @param capacity most bytes of the heap that the state can take
     * @param upToDamage whether to take what stands before damage in the log, rather than to refuse all of it
     * @throws RegistryTooLargeException when the heap has no room for what is there
     * @throws IOException when the engine runs, or the directory can't be read, is no engine's or is damaged: the message says
     *     where, and what to do
     */
    public static StoppedEngine read(Path dataDir, ReplicatedState state, long capacity, boolean upToDamage)
            throws IOException {
        StoppedEngine engine = new StoppedEngine(DataDirectory.openStopped(dataDir), state, upToDamage);
        try {
            engine.load(capacity);
            return engine;
        } catch (IOException | RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    private void load(long capacity) throws IOException {
        Path current = directory.group().resolve("current");
        if (!upToDamage) {
            LogCheck.check(current);
        }
        checkpoint = new CheckpointLoader(state, RaftConfig.ENTRY_FORMAT, capacity)
                .load(directory.group().resolve("sm"), reached -> RegistryStateMachine.logReaches(current, reached));
        if (checkpoint != null) {
            term = checkpoint.term();
            index = checkpoint.index();
            committed = checkpoint.index();
        } else {
            index = -1;
        }
        for (LogSegmentPath segment : segments(current)) {
            if (damage == null) {
                replay(segment);
            }
        }
    }

    private static List<LogSegmentPath> segments(Path current) throws IOException {
        try (Stream<Path> files = Files.list(current)) {
            return files.map(LogSegmentPath::matchLogSegment)
                    .filter(Objects::nonNull)
                    .sorted(Comparator.comparing(LogSegmentPath::getStartEnd))
                    .toList();
        }
    }

    private void replay(LogSegmentPath segment) throws IOException {
        try {
            LogSegment.readSegmentFile(
                    segment.getPath().toFile(),
                    segment.getStartEnd(),
                    LARGEST_ENTRY,
                    CorruptionPolicy.EXCEPTION,
                    null,
                    this::apply);
        } catch (IOException | IllegalStateException | UncheckedIOException e) {
            String what =
                    "Log file " + segment.getPath() + " can't be read behind index " + index + ": " + e.getMessage();
            if (!upToDamage) {
                throw new IOException(what + ". To take what stands before that, say --up-to-damage.", e);
            }
            damage = what;
        }
    }

    private void apply(LogEntryProto logged) {
        if (logged.getIndex() <= index) {
            return;
        }
        if (logged.getIndex() != index + 1) {
            throw new IllegalStateException(
                    "entries " + (index + 1) + " to " + (logged.getIndex() - 1) + " are missing");
        }
        if (logged.hasStateMachineLogEntry()) {
            try {
                Entry entry = RegistryStateMachine.parse(
                        logged.getStateMachineLogEntry().getLogData(), RaftConfig.ENTRY_FORMAT);
                state.apply(logged.getTerm(), logged.getIndex(), entry);
            } catch (IOException e) {
                throw new UncheckedIOException("entry " + logged.getIndex() + ": " + e.getMessage(), e);
            }
        } else if (logged.hasMetadataEntry()) {
            committed = Math.max(committed, logged.getMetadataEntry().getCommitIndex());
        }
        term = logged.getTerm();
        index = logged.getIndex();
    }

    /** The cluster that the engine was of. */
    public UUID clusterId() {
        return directory.clusterId();
    }

    /** The engine's id. */
    public String engineId() {
        return directory.engineId();
    }

    /** Term of the last entry of the log. */
    public long term() {
        return term;
    }

    /** Index of the last entry of the log. */
    public long index() {
        return index;
    }

    /** Up to which index the engine's disk says that a majority had the log; it may have been more. */
    public long committed() {
        return Math.min(committed, index);
    }

    /** Why not all of the log was read; null if it was. */
    public @Nullable String damage() {
        return damage;
    }

    /** Why the engine had quarantined itself; null if it had not. */
    public @Nullable String quarantine() throws IOException {
        return directory.quarantined();
    }

    /** Hands all rows of the state to {@code reader}. To be called once. */
    public void rows(CheckpointReader reader) throws IOException {
        Capture capture = state.capture();
        try (RowStore store = RowStore.openLive(directory.live(), checkpoint == null ? null : checkpoint.dir())) {
            store.write(capture.rows());
            store.scan(rows -> reader.read(term, index, capture.digest().get(), rows));
        }
    }

    @Override
    public void close() throws IOException {
        directory.close();
    }
}
