package io.raftfleet.state.raft;

import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.ratis.protocol.Message;
import org.jspecify.annotations.Nullable;

/** Answers what other engines ask: see {@link PeerMessages}. */
final class PeerAnswers {
    private PeerAnswers() {}

    static CompletableFuture<Message> to(
            Message question, @Nullable RatisServer server, Supplier<CompletableFuture<Confirmed>> confirmation) {
        return switch (PeerMessages.kind(question)) {
            case PeerMessages.READ_INDEX -> confirmation.get().thenApply(PeerMessages::encode);
            case PeerMessages.POSITION ->
                server == null
                        ? CompletableFuture.failedFuture(new IOException("the engine is starting"))
                        : CompletableFuture.completedFuture(PeerMessages.encode(server.position()));
            default -> CompletableFuture.failedFuture(new IOException("unknown question between engines"));
        };
    }
}
