package io.raftfleet.engine.api;

import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What has changed in the registry, in names, for those who show it and ask again and again. */
public interface ChangeFeed {
    /**
     * What has changed after a revision.
     *
     * @param revision up to which this tells; what to ask after next
     * @param all whether it can't be told what, as that is kept no longer or is too much: everything is to be read anew
     * @param units names of units that changed, came or went, or whose states did
     * @param machines ids of machines that did
     * @param events whether an event was written down, of any of these or of the cluster
     */
    record Changes(Revision revision, boolean all, Set<String> units, Set<String> machines, boolean events) {
        public Changes {
            units = Set.copyOf(units);
            machines = Set.copyOf(machines);
        }

        /** Whether there is anything to tell. */
        public boolean any() {
            return all || events || !units.isEmpty() || !machines.isEmpty();
        }
    }

    /**
     * Completes once there are changes after a revision, or another leader or term than {@code seen}, or the wait is over; at once with
     * {@code all} when there is no revision to go by. Fails with {@code RESOURCE_EXHAUSTED} when as many wait as may.
     *
     * @param after null for none
     * @param seen what the asker knows of the leader, in the form of {@link #leader}; empty when it does not matter
     */
    CompletableFuture<Changes> after(@Nullable Revision after, String seen, Duration wait);

    /** Term and leader as this engine knows them, as {@code TERM-LEADER}. */
    String leader();
}
