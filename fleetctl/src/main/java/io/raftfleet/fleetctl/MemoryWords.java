package io.raftfleet.fleetctl;

import io.raftfleet.proto.cluster.MemoryStatus;
import io.raftfleet.proto.cluster.StatusResponse;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the registry takes of the engines' memory, for people and for programs. */
final class MemoryWords {
    /** From this part of the quota on people are told. */
    private static final double NEAR = 0.8;

    private MemoryWords() {}

    /** Use and quota: the cluster's on the leader, elsewhere the engine's own. */
    static String cell(StatusResponse status) {
        if (!status.hasMemory()) {
            return "-";
        }
        var memory = status.getMemory();
        return mebibytes(memory.getHeld()) + "/" + mebibytes(allowed(memory));
    }

    /** Said when the registry is near the quota of one of the engines. */
    static Optional<String> near(Collection<StatusResponse> answers) {
        return answers.stream()
                .filter(StatusResponse::hasMemory)
                .map(StatusResponse::getMemory)
                .max(Comparator.comparingDouble(MemoryWords::used))
                .filter(memory -> used(memory) >= NEAR)
                .map(memory -> String.format(
                        Locale.ROOT,
                        "The registry takes %.0f %% of its quota of memory, %s of %s: beyond it new units and larger contents"
                                + " are refused; destroy units, or give all engines more memory or a larger registry_quota",
                        100 * used(memory),
                        mebibytes(memory.getHeld()),
                        mebibytes(allowed(memory))));
    }

    static Map<String, @Nullable Object> row(MemoryStatus memory) {
        var row = new LinkedHashMap<String, @Nullable Object>();
        row.put("held", memory.getHeld());
        row.put("quota", memory.getQuota());
        if (memory.getClusterQuota() != 0) {
            row.put("clusterQuota", memory.getClusterQuota());
        }
        row.put("units", memory.getUnits());
        row.put("contents", memory.getContents());
        row.put("states", memory.getStates());
        row.put("machines", memory.getMachines());
        row.put("requests", memory.getRequests());
        row.put("removals", memory.getRemovals());
        row.put("events", memory.getEvents());
        return row;
    }

    private static long allowed(MemoryStatus memory) {
        return memory.getClusterQuota() == 0 ? memory.getQuota() : memory.getClusterQuota();
    }

    private static double used(MemoryStatus memory) {
        return memory.getHeld() / (double) Math.max(1, allowed(memory));
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1fM", bytes / (double) (1 << 20));
    }
}
