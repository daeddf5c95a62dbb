package io.raftfleet.state.raft;

import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.exceptions.StateMachineException;
import org.jspecify.annotations.Nullable;

/** Answers what other engines ask: see {@link PeerMessages}. */
final class PeerAnswers {
    private PeerAnswers() {}

    static CompletableFuture<Message> to(
            Message question,
            @Nullable RatisServer server,
            Supplier<CompletableFuture<Confirmed>> confirmation,
            RaftConfig config,
            Divergence divergence) {
        if (server == null) {
            return CompletableFuture.failedFuture(new IOException("the engine is starting"));
        }
        return switch (PeerMessages.kind(question)) {
            case PeerMessages.READ_INDEX -> confirmation.get().thenApply(PeerMessages::encode);
            case PeerMessages.POSITION -> CompletableFuture.completedFuture(PeerMessages.encode(server.position()));
            case PeerMessages.STANDING -> CompletableFuture.completedFuture(PeerMessages.encode(server.standing()));
            case PeerMessages.MEMBERS ->
                CompletableFuture.completedFuture(PeerMessages.encode(
                        server.peers().stream().map(EnginePeer::id).toList()));
            case PeerMessages.FORMAT -> CompletableFuture.completedFuture(PeerMessages.encode(config.entryFormat()));
            case PeerMessages.QUOTA -> CompletableFuture.completedFuture(PeerMessages.encodeQuota(config.quota()));
            case PeerMessages.CLOCK ->
                CompletableFuture.completedFuture(
                        PeerMessages.encodeClock(config.clock().millis()));
            case PeerMessages.DIGESTS -> CompletableFuture.completedFuture(PeerMessages.encode(divergence.digests()));
            // Of another failure Ratis would end the stream, and with it all questions that are on it.
            default -> CompletableFuture.failedFuture(new StateMachineException("unknown question between engines"));
        };
    }
}
