package io.raftfleet.engine.server;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.proto.cluster.BackupChunk;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.RaftNode;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the registry as a backup file, in the format that {@code cluster.proto} tells: a checkpoint at or after the call,
 * read row by row, as fast as the client takes it. Nothing waits for it, and its memory is one chunk.
 */
final class Backups {
    private static final Logger log = LoggerFactory.getLogger(Backups.class);
    private static final int CHUNK = 256 * 1024;
    private static final Duration CHECKPOINT = Duration.ofMinutes(2);
    private static final Duration STALLED = Duration.ofMinutes(1);

    private final String engineId;
    private final String clusterId;
    private final Registry registry;
    private final RaftNode raft;

    Backups(String engineId, String clusterId, Registry registry, RaftNode raft) {
        this.engineId = engineId;
        this.clusterId = clusterId;
        this.registry = registry;
        this.raft = raft;
    }

    /** Sends to a client, on a thread of {@code tasks}, which may block. To be called while the call arrives. */
    void send(ServerCallStreamObserver<BackupChunk> client, Executor tasks) {
        if (raft.view().leader() == null) {
            client.onError(Status.UNAVAILABLE
                    .withDescription("no leader is known, so this engine may lack what was acknowledged: ask another")
                    .asRuntimeException());
            return;
        }
        var chunks = new Chunks(client);
        client.setOnReadyHandler(chunks::signal);
        client.setOnCancelHandler(chunks::signal);
        tasks.execute(() -> send(client, chunks));
    }

    private void send(ServerCallStreamObserver<BackupChunk> client, Chunks chunks) {
        try {
            raft.readIndex(CHECKPOINT).get(CHECKPOINT.toMillis(), TimeUnit.MILLISECONDS);
            if (registry.read(RegistryView::incarnation) == 0) {
                throw new IllegalStateException("the registry is not whole yet: ask again when it is restored");
            }
            raft.takeSnapshot(CHECKPOINT).get(CHECKPOINT.toMillis(), TimeUnit.MILLISECONDS);
            raft.readCheckpoint((term, index, digest, rows) -> write(term, index, digest, rows, chunks));
            client.onCompleted();
            log.info("engine {} has sent a backup to a client", engineId);
        } catch (ExecutionException | TimeoutException | IOException | IllegalStateException e) {
            var cause = e instanceof ExecutionException && e.getCause() != null ? e.getCause() : e;
            log.warn("engine {} could not make a backup: {}", engineId, cause.toString());
            client.onError(Status.UNAVAILABLE
                    .withDescription("no backup: " + cause.getMessage())
                    .asRuntimeException());
        } catch (StatusRuntimeException e) {
            log.info("engine {}: a client gave its backup up: {}", engineId, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void write(long term, long index, ByteString digest, Iterator<Row> rows, Chunks chunks) throws IOException {
        BackupWriter.write(
                chunks,
                BackupHeader.newBuilder()
                        .setClusterId(clusterId)
                        .setIncarnation(registry.read(RegistryView::incarnation))
                        .setTerm(term)
                        .setIndex(index)
                        .setRegistryDigest(digest)
                        .build(),
                rows);
    }

    /** Bytes to messages, held back until the client is ready for more. Used by one thread; gRPC's threads only signal. */
    private static final class Chunks extends OutputStream {
        private final ServerCallStreamObserver<BackupChunk> client;
        private final ByteString.Output buffer = ByteString.newOutput(CHUNK);
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();

        Chunks(ServerCallStreamObserver<BackupChunk> client) {
            this.client = client;
        }

        /** Called by gRPC when the client may be ready, or has gone. */
        void signal() {
            lock.lock();
            try {
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b});
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            buffer.write(bytes, offset, length);
            if (buffer.size() >= CHUNK) {
                send();
            }
        }

        /** Sends what is left. */
        @Override
        public void flush() throws IOException {
            if (buffer.size() > 0) {
                send();
            }
        }

        private void send() throws IOException {
            awaitReady();
            client.onNext(
                    BackupChunk.newBuilder().setData(buffer.toByteString()).build());
            buffer.reset();
        }

        private void awaitReady() throws IOException {
            long left = STALLED.toNanos();
            lock.lock();
            try {
                while (!client.isReady()) {
                    if (client.isCancelled()) {
                        throw Status.CANCELLED
                                .withDescription("the client has gone")
                                .asRuntimeException();
                    }
                    if (left <= 0) {
                        throw new IOException("the client took nothing for " + STALLED.toSeconds() + " s");
                    }
                    left = changed.awaitNanos(left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("the engine is stopping", e);
            } finally {
                lock.unlock();
            }
        }
    }
}
