package io.raftfleet.fleetctl.client;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.proto.cluster.BackupChunk;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A backup as it arrives. Used by one thread; a slow reader holds the engine back. */
public final class BackupReader implements AutoCloseable {
    /** An engine may have to write a checkpoint first. */
    private static final long PATIENCE = TimeUnit.MINUTES.toNanos(3);

    private final ServerStream<?, BackupChunk> stream;
    private final Endpoint engine;

    BackupReader(ServerStream<?, BackupChunk> stream, Endpoint engine) {
        this.stream = stream;
        this.engine = engine;
    }

    /**
     * The next bytes, or null at the end.
     *
     * @throws FleetClientException when the engine makes no backup, falls silent for minutes, or is gone
     */
    public @Nullable ByteString next() throws InterruptedException {
        BackupChunk chunk = stream.next(PATIENCE);
        if (chunk != null) {
            return chunk.getData();
        }
        Status end = stream.end();
        if (end == null) {
            throw new FleetClientException(
                    Status.Code.DEADLINE_EXCEEDED,
                    "engine " + engine + " has sent nothing of the backup for "
                            + TimeUnit.NANOSECONDS.toMinutes(PATIENCE) + " minutes",
                    null);
        }
        if (end.isOk()) {
            return null;
        }
        throw Failures.refused(end, engine);
    }

    @Override
    public void close() {
        stream.close();
    }
}
