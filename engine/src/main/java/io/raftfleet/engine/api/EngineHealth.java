package io.raftfleet.engine.api;

import io.raftfleet.state.MemoryUse;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an engine says of itself; for {@code /livez}, {@code /readyz} and metrics. Answers at once, from memory. */
public interface EngineHealth {
    /**
     * A moment's view.
     *
     * @param engineId this engine
     * @param clusterId its cluster
     * @param leading whether it leads and has applied the first entry of its term
     * @param leaderId the leader as far as it knows, empty when it knows none
     * @param absence why it takes no part in the cluster; empty when it does
     * @param catchingUp why it, which was started, does not know yet what the cluster knows, so that reads wait here; empty when it does
     * @param term its Raft term
     * @param commitIndex the highest committed index that it knows
     * @param appliedIndex the highest index that it has applied
     * @param units units in the registry
     * @param machines present machines
     * @param lostMachines machines that are lost, and not forgotten
     * @param unplaced units that are to be on a machine, and that no machine has
     * @param unitStates unit states in the registry
     * @param failedStates those of them that say "failed"
     * @param memory what the registry takes of the heap
     * @param quota how many bytes of the heap it may take: the cluster's on the leader, elsewhere this engine's own
     */
    record View(
            String engineId,
            String clusterId,
            boolean leading,
            String leaderId,
            String absence,
            String catchingUp,
            long term,
            long commitIndex,
            long appliedIndex,
            int units,
            int machines,
            int lostMachines,
            int unplaced,
            int unitStates,
            int failedStates,
            MemoryUse memory,
            long quota) {}

    View view();

    /**
     * An engine of the cluster, as this one sees it.
     *
     * @param id its id
     * @param http where its HTTP is
     * @param behind how many committed entries its log is not known to have; null unless this engine leads, and of itself
     * @param silentMs how long ago it last answered; null likewise
     */
    record Engine(
            String id,
            String http,
            @Nullable Long behind,
            @Nullable Long silentMs) {}

    /** The cluster's members. */
    default List<Engine> engines() {
        return List.of();
    }

    /**
     * The disk that the log and the checkpoints are on.
     *
     * @param freeBytes what the engine may still write
     * @param totalBytes its size
     */
    record Disk(long freeBytes, long totalBytes) {}

    /** As the system says it now; null when it does not. */
    default @Nullable Disk disk() {
        return null;
    }

    /** Which parts of this engine's process make no progress, for people; empty while all do. For {@code /livez}. */
    default List<String> stuck() {
        return List.of();
    }
}
