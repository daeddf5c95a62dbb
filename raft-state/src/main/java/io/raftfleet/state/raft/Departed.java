package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import org.apache.ratis.protocol.RaftPeer;

/**
 * Whether an engine was taken out of its cluster while it was away. Its own log can't say so: nobody sends it entries any more, and whom
 * it asks for a vote makes it end. The members know.
 */
final class Departed {
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private Departed() {}

    /**
     * Asks the engines that this one counts as members. A majority of these, this one counted, has whatever configuration was
     * committed after the one that this engine has; so when so many do not count it as a member, it is none.
     *
     * @return true when it is certain; false when too few answer in time, or one counts it. Never fails
     */
    static CompletableFuture<Boolean> ask(RatisServer server, ScheduledExecutorService timer) {
        String self = server.id().toString();
        List<RaftPeer> others = List.copyOf(server.otherVoters());
        List<CompletableFuture<Set<String>>> answers = others.stream()
                .map(peer -> Futures.within(server.peerClient().members(peer), PATIENCE, timer, TimeoutException::new))
                .toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
                .handle((all, failure) -> {
                    List<Set<String>> said = answers.stream()
                            .filter(answer -> !answer.isCompletedExceptionally())
                            .map(CompletableFuture::join)
                            .toList();
                    return said.size() > (others.size() + 1) / 2
                            && said.stream().noneMatch(members -> members.contains(self));
                });
    }
}
