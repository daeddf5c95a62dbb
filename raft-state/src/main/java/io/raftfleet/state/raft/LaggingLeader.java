package io.raftfleet.state.raft;

import io.raftfleet.state.raft.PeerMessages.Standing;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.protocol.RaftPeerId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Raft elects by the log alone (§5.4.1 of Ongaro and Ousterhout's paper): an engine that was started a moment ago, and has the whole log but has
 * yet to apply most of it, may win, and then nobody takes writes for seconds. Such a leader looks for an engine that has the same log and has
 * applied it, and has that one stand for election. {@link LeaderWatch} lets that one stand in the first place where it can, but
 * election timeouts do not ask it.
 *
 * <p>Has no state of its own; one look is under way at a time. What blocks, the question to the follower, has a thread of its own.
 */
final class LaggingLeader {
    private static final Logger LOG = LoggerFactory.getLogger(LaggingLeader.class);

    /** For so long a new leader applies what is left before it looks for another: about what another election takes. */
    private static final Duration PATIENCE = Duration.ofMillis(100);

    private final LeadershipConfirmation followers;
    private final ScheduledExecutorService timer;

    LaggingLeader(LeadershipConfirmation followers, ScheduledExecutorService timer) {
        this.followers = followers;
        this.timer = timer;
    }

    /** An engine has been elected, this one or another. */
    void elected(RatisServer server) {
        long term = server.info().getCurrentTerm();
        if (isWaitedFor(server, term)) {
            lookSoon(server, term);
        }
    }

    /** Whether it leads the term, and can't take writes yet. */
    private static boolean isWaitedFor(RatisServer server, long term) {
        var info = server.info();
        return info.isAlive() && info.isLeader() && info.getCurrentTerm() == term && !info.isLeaderReady();
    }

    private void lookSoon(RatisServer server, long term) {
        try {
            var unused = timer.schedule(() -> look(server, term), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("Engine {} is closed", server.id());
        }
    }

    private void look(RatisServer server, long term) {
        if (!isWaitedFor(server, term)) {
            return;
        }
        if (server.standing().isBehind()) {
            Futures.onEnd(Standings.of(server, PATIENCE), (standings, failure) -> choose(server, term, standings));
        } else {
            lookSoon(
                    server,
                    term); // A large entry, or a follower that is slow to say that it has the first one of the term.
        }
    }

    private void choose(RatisServer server, long term, Map<String, Standing> standings) {
        if (!isWaitedFor(server, term)) {
            return;
        }
        Standing own = server.standing();
        long end = own.end().logIndex();
        var matching = followers.matchIndexes(term);
        var next = standings.entrySet().stream()
                .filter(other -> Standing.behind(other.getValue().unappliedUpTo(end)) == 0)
                .map(Map.Entry::getKey)
                .filter(id -> matching.getOrDefault(id, -1L) >= end)
                .min(String::compareTo);
        if (next.isEmpty() || !own.isBehind()) {
            lookSoon(server, term);
            return;
        }
        LOG.info(
                "Engine {} was elected in term {} with {} entries yet to be applied: {} has applied them and is asked to lead",
                server.id(),
                term,
                own.unapplied(),
                next.get());
        var unused = Thread.ofVirtual().name("lagging-leader").start(() -> ask(server, term, next.get()));
    }

    private void ask(RatisServer server, long term, String next) {
        try {
            if (isWaitedFor(server, term) && !server.haveStand(RaftPeerId.valueOf(next))) {
                LOG.debug("Engine {} does not stand for election", next);
            }
        } catch (IOException | RuntimeException e) {
            LOG.debug("Engine {} could not be asked to lead", next, e);
        }
        lookSoon(server, term);
    }
}
