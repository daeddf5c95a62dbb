package io.raftfleet.engine.mirror;

import io.grpc.Status;
import io.raftfleet.engine.api.Async;
import io.raftfleet.engine.control.Abandoned;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.ResignedException;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.state.Versions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Holds back the acknowledgement of a write until it is mirrored ({@code etcd_mirror=sync}). When etcd has not got it in
 * time, the answer says so; the write stands, and a retry with the same request id waits for the mirror again. When
 * leadership moves meanwhile, the write is asked for again, as any other, from the next leader.
 */
public final class SyncWrites implements LocalWrites.AfterCommit {
    /** How long etcd may take. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    /** Left of a call's deadline for the answer that etcd took too long; at most half of it. */
    private static final Duration WAY_BACK = Duration.ofMillis(100);

    private final Mirror mirror;

    public SyncWrites(Mirror mirror) {
        this.mirror = mirror;
    }

    @Override
    public CompletableFuture<WriteResponse> apply(CompletableFuture<WriteResponse> write, Duration deadline) {
        long end = System.nanoTime() + deadline.toNanos();
        return write.thenCompose(
                response -> mirrored(response, Versions.of(response.getRevision()), end - System.nanoTime()));
    }

    /** Completes with {@code response} once all up to a version is mirrored. */
    private CompletableFuture<WriteResponse> mirrored(WriteResponse response, long version, long leftNanos) {
        var patience = patience(leftNanos);
        return mirror.await(version, patience).handle((done, failure) -> {
            if (failure == null) {
                return response;
            }
            if (Async.cause(failure) instanceof ResignedException resigned) {
                throw new CompletionException(
                        Abandoned.afterCommit("the write is committed, but " + resigned.getMessage()));
            }
            throw notMirrored(patience);
        });
    }

    static Duration patience(long leftNanos) {
        long enough = Math.max(leftNanos - WAY_BACK.toNanos(), leftNanos / 2);
        return Duration.ofNanos(Math.clamp(enough, 1_000_000, PATIENCE.toNanos()));
    }

    private RuntimeException notMirrored(Duration patience) {
        var error = mirror.status().error();
        return Status.FAILED_PRECONDITION
                .withDescription("committed, not mirrored: the write stands, but etcd has not got it within "
                        + patience.toMillis() + " ms" + (error == null ? "" : " (" + error + ")")
                        + "; a retry with the same request id waits for etcd")
                .asRuntimeException();
    }
}
