package io.raftfleet.engine.mirror;

import io.grpc.Status;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.state.Versions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Holds back the acknowledgement of a write until it is mirrored ({@code etcd_mirror=sync}). When etcd has not got it in
 * time, the answer says so; the write stands, and a retry with the same request id waits for the mirror again.
 */
public final class SyncWrites implements UnaryOperator<CompletableFuture<WriteResponse>> {
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final Mirror mirror;

    public SyncWrites(Mirror mirror) {
        this.mirror = mirror;
    }

    @Override
    public CompletableFuture<WriteResponse> apply(CompletableFuture<WriteResponse> write) {
        return write.thenCompose(response -> mirror.await(Versions.of(response.getRevision()), PATIENCE)
                .handle((mirrored, failure) -> {
                    if (failure == null) {
                        return response;
                    }
                    var error = mirror.status().error();
                    throw Status.FAILED_PRECONDITION
                            .withDescription(
                                    "committed, not mirrored: the write stands, but etcd has not got it within "
                                            + PATIENCE.toSeconds() + " s" + (error == null ? "" : " (" + error + ")")
                                            + "; a retry with the same request id waits for etcd")
                            .asRuntimeException();
                }));
    }
}
