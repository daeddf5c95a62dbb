package io.raftfleet.engine.session;

import java.util.concurrent.CompletableFuture;

/** What Raft knows of who leads. */
public interface LeadershipCheck {
    /** Completes when a quorum has confirmed, after this call, that this engine leads; fails when it does not. */
    CompletableFuture<?> confirm();

    /** gRPC address of the leader; empty when none is known. */
    String leaderGrpc();

    /** Current term. */
    long term();
}
