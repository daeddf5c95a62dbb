package io.raftfleet.state.raft;

import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Of an engine whose registry is not what a majority has, or which was removed: it answers nothing any more, and does not start
 * again.
 *
 * <p>Thread-safe; owns whether this engine is in quarantine.
 */
final class Quarantine {
    private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

    private final String engineId;
    private final DataDirectory directory;
    private final Consumer<Throwable> stop;
    /** With what to refuse calls; null as long as it takes part. */
    private final AtomicReference<@Nullable String> refusal = new AtomicReference<>();

    /** @param stop ends the engine, and says why */
    Quarantine(String engineId, DataDirectory directory, Consumer<Throwable> stop) {
        this.engineId = engineId;
        this.directory = directory;
        this.stop = stop;
    }

    /** Begins, and is written down; once. */
    void enter(IOException why) {
        if (!refusal.compareAndSet(
                null, "Engine '" + engineId + "' has quarantined itself: ask another engine, and replace this one.")) {
            return;
        }
        LOG.error("Engine {} quarantines itself", engineId, why);
        try {
            directory.quarantine("it has quarantined itself: " + why.getMessage());
        } catch (IOException e) {
            LOG.error("The quarantine of engine {} could not be written down", engineId, e);
        }
        stop.accept(new StartRefusedException("it has quarantined itself: " + why.getMessage(), why));
    }

    /** The engine was taken out of its cluster: it ends, and its directory is nobody's any more. */
    void removed() {
        if (!refusal.compareAndSet(
                null, "Engine '" + engineId + "' was removed from the cluster: ask another engine.")) {
            return;
        }
        String reason =
                "it was removed from the cluster. Remove this directory. To have an engine on this machine again, start one"
                        + " with an id that the cluster never had, an empty directory and join, and add it (fleetctl cluster add).";
        try {
            directory.quarantine(reason);
        } catch (IOException e) {
            LOG.error("That engine {} was removed could not be written down", engineId, e);
        }
        stop.accept(new StartRefusedException(reason));
    }

    /** With what to refuse a call; null outside quarantine. */
    @Nullable
    Unavailable refusal() {
        String why = refusal.get();
        return why == null ? null : new Unavailable(why);
    }
}
