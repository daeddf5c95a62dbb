package io.raftfleet.fleetctl;

import io.raftfleet.proto.cluster.MirrorStatus;
import io.raftfleet.proto.cluster.StatusResponse;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How the mirror in etcd is, as {@code cluster status} says it. */
final class MirrorWords {
    private MirrorWords() {}

    /** A line of the engine that writes the mirror; empty for others. */
    static Optional<String> of(StatusResponse status) {
        if (!status.hasMirror() || !status.getMirror().getActive()) {
            return Optional.empty();
        }
        var mirror = status.getMirror();
        var line = new StringBuilder("Mirror in etcd (by ")
                .append(status.getSelf().getId())
                .append(mirror.getSync() ? ", sync): " : "): ");
        if (mirror.getCaughtUp()) {
            line.append("caught up at ").append(mirror.getMirroredIndex());
        } else {
            line.append("behind since ")
                    .append(time(mirror.getBehindSinceMs()))
                    .append(", has ")
                    .append(mirror.getMirroredIndex())
                    .append(" of ")
                    .append(mirror.getLatestIndex());
        }
        if (!mirror.getLastError().isEmpty()) {
            line.append("; failing since ")
                    .append(time(mirror.getErrorSinceMs()))
                    .append(": ")
                    .append(mirror.getLastError());
        }
        return Optional.of(line.toString());
    }

    static Map<String, @Nullable Object> row(MirrorStatus mirror) {
        var row = new LinkedHashMap<String, @Nullable Object>();
        row.put("active", mirror.getActive());
        row.put("sync", mirror.getSync());
        row.put("caughtUp", mirror.getCaughtUp());
        row.put("mirroredIndex", mirror.getMirroredIndex());
        row.put("latestIndex", mirror.getLatestIndex());
        row.put("behindSinceMs", mirror.getBehindSinceMs());
        row.put("lastError", mirror.getLastError());
        row.put("errorSinceMs", mirror.getErrorSinceMs());
        row.put("keysWritten", mirror.getKeysWritten());
        row.put("bytesWritten", mirror.getBytesWritten());
        row.put("transactions", mirror.getTransactions());
        row.put("putRight", mirror.getPutRight());
        return row;
    }

    private static String time(long ms) {
        return ms == 0
                ? "now"
                : Instant.ofEpochMilli(ms).truncatedTo(ChronoUnit.SECONDS).toString();
    }
}
