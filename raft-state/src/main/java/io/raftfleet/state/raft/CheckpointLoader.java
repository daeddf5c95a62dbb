package io.raftfleet.state.raft;

import io.raftfleet.state.raft.Checkpoints.LoadPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Restores the registry from the newest sound checkpoint. */
final class CheckpointLoader {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointLoader.class);

    private final ReplicatedState state;
    private final int maxFormat;
    private final long capacity;

    /**
     * A loader.
     *
     * @param maxFormat newest entry format that this engine reads
     * @param capacity most bytes of the heap that the registry can take
     */
    CheckpointLoader(ReplicatedState state, int maxFormat, long capacity) {
        this.state = state;
        this.maxFormat = maxFormat;
        this.capacity = capacity;
    }

    /**
     * Loads the newest checkpoint in a directory; a damaged one is set aside when the log still reaches an older one.
     *
     * @return null when there is none
     * @throws RegistryTooLargeException when this engine's heap has no room for it
     * @throws IOException names the damaged checkpoint when nothing can stand in for it; or the newer entry format that one
     *     was made of
     */
    @Nullable
    Checkpoint load(Path parent, LoadPolicy policy) throws IOException {
        List<Path> all = Checkpoint.list(parent);
        for (Iterator<Path> rest = all.iterator(); rest.hasNext(); ) {
            Path candidate = rest.next();
            try {
                return restore(candidate);
            } catch (StartRefusedException | RegistryTooLargeException e) {
                throw e;
            } catch (IOException | IllegalStateException e) {
                Path older = nextOf(all, candidate);
                if (older == null || !policy.logReaches(Checkpoint.index(older).orElseThrow())) {
                    throw new StartRefusedException(
                            "Checkpoint " + candidate + " is damaged (" + e.getMessage() + ") and the log"
                                    + " does not reach back to another: restore this engine's directory from a backup, or"
                                    + " replace the engine by a new one with another id and an empty directory.",
                            e);
                }
                Path aside = parent.resolveSibling("damaged-checkpoint-" + candidate.getFileName());
                LOG.error(
                        "Checkpoint {} is damaged; it is kept as {}, and the older {} and the log behind it are used"
                                + " instead. Check the disk.",
                        candidate,
                        aside,
                        older,
                        e);
                DurableFiles.deleteTree(aside);
                Files.move(candidate, aside);
            }
        }
        if (!policy.logReaches(-1)) {
            throw new StartRefusedException(
                    "The log beside " + parent + " has lost its beginning and there is no checkpoint:"
                            + " restore this engine's directory from a backup, or replace the engine by a new one with another id"
                            + " and an empty directory.");
        }
        return null;
    }

    private static @Nullable Path nextOf(List<Path> all, Path path) {
        int next = all.indexOf(path) + 1;
        return next < all.size() ? all.get(next) : null;
    }

    private Checkpoint restore(Path dir) throws IOException {
        Checkpoint checkpoint = Checkpoint.read(dir);
        if (!dir.getFileName().toString().equals(Checkpoint.name(checkpoint.term(), checkpoint.index()))) {
            throw new IOException("its directory's name and its " + Checkpoint.PROPERTIES + " differ");
        }
        if (checkpoint.entryFormat() > maxFormat) {
            throw new StartRefusedException("Checkpoint " + dir + " was made of entries of entry format "
                    + checkpoint.entryFormat() + ", which is unknown to this engine, which reads up to " + maxFormat
                    + ": upgrade this engine, or take away its entry_format");
        }
        if (checkpoint.heapBytes() > capacity) {
            throw new RegistryTooLargeException(dir, checkpoint.heapBytes(), capacity);
        }
        try (RowStore store = RowStore.openCheckpoint(dir)) {
            store.scan(rows -> state.restore(checkpoint.stateTerm(), checkpoint.stateIndex(), rows));
        }
        if (!state.digest().equals(checkpoint.digest())) {
            throw new IOException("its rows do not add up to the digest in its " + Checkpoint.PROPERTIES);
        }
        LOG.info("Registry restored from checkpoint {}", dir);
        return checkpoint;
    }
}
