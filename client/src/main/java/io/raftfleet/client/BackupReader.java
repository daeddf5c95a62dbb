package io.raftfleet.client;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.proto.cluster.BackupChunk;
import io.raftfleet.proto.cluster.BackupRequest;
import io.raftfleet.proto.cluster.ClusterGrpc;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A backup as it arrives. Used by one thread; a slow reader holds the engine back. */
public final class BackupReader implements AutoCloseable {
    /** An engine may have to write a checkpoint first. */
    private static final long PATIENCE = TimeUnit.MINUTES.toNanos(3);

    private final Connections connections;
    private int endpoint;
    private int refusals;
    private boolean started;
    private ServerStream<?, BackupChunk> stream;

    BackupReader(Connections connections) {
        this.connections = connections;
        this.endpoint =
                ConnectionRace.forStream(connections, connections.preferred()).join();
        this.stream = open(connections, endpoint);
    }

    private static ServerStream<?, BackupChunk> open(Connections connections, int endpoint) {
        return ServerStream.openForGood(
                connections.channel(endpoint), ClusterGrpc.getBackupMethod(), BackupRequest.getDefaultInstance());
    }

    /**
     * The next bytes, or null at the end. An engine that can't begin is passed over for the next.
     *
     * @throws FleetClientException when no engine makes a backup, or the one that began falls silent or breaks off
     */
    public @Nullable ByteString next() throws InterruptedException {
        while (true) {
            BackupChunk chunk = stream.next(PATIENCE);
            if (chunk != null) {
                started = true;
                return chunk.getData();
            }
            Status end = stream.end();
            if (end != null && end.isOk()) {
                return null;
            }
            Status why = end == null
                    ? Status.DEADLINE_EXCEEDED.withDescription(
                            "nothing came for " + TimeUnit.NANOSECONDS.toMinutes(PATIENCE) + " minutes")
                    : end;
            Endpoint asked = connections.endpoint(endpoint);
            refusals++;
            if (started || refusals >= connections.size()) {
                throw new FleetClientException(
                        why.getCode(), "engine " + asked + ": " + Failures.reason(why), why.getCause());
            }
            stream.close();
            endpoint = ConnectionRace.forStream(connections, connections.after(endpoint))
                    .join();
            stream = open(connections, endpoint);
        }
    }

    @Override
    public void close() {
        stream.close();
    }
}
