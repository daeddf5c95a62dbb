package io.raftfleet.state.raft;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an engine that stops does about its leadership. It goes on leading until another engine has applied its log, hands leadership over to
 * that one, and waits for what it had proposed, and until the next leader has committed an entry: so that no call ends here while nobody takes
 * writes. Blocks its caller, for {@link #ALL_OF_IT} and half a second at most. Immutable.
 */
final class HandOver {
    private static final Logger LOG = LoggerFactory.getLogger(HandOver.class);

    /** Beside what closing takes, within what a process that stops is given ({@code EngineMain}, {@code bin/fleet}). */
    private static final Duration ALL_OF_IT = Duration.ofSeconds(6);

    private static final Duration CATCH_UP = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final Duration TRANSFER = Duration.ofSeconds(3);
    private static final Duration DRAIN = Duration.ofSeconds(1);
    private static final Duration NEXT_ENTRY_AT_LEAST = Duration.ofMillis(500);
    private static final Duration NEXT_ENTRY_AT_MOST = Duration.ofSeconds(2);

    private final RaftConfig config;
    private final Operations operations;
    private final Proposals proposals;
    private final AppliedIndex applied;
    private final LeadershipEvents events;

    HandOver(
            RaftConfig config,
            Operations operations,
            Proposals proposals,
            AppliedIndex applied,
            LeadershipEvents events) {
        this.config = config;
        this.operations = operations;
        this.proposals = proposals;
        this.applied = applied;
        this.events = events;
    }

    /** @param server leads, and is not alone */
    void of(RatisServer server) {
        long end = System.nanoTime() + ALL_OF_IT.toNanos();
        try {
            if (!events.hasFailed()) {
                awaitSuccessor(server, System.nanoTime() + CATCH_UP.toNanos());
            }
            if (server.info().isLeader()) {
                var limit = least(TRANSFER, until(end));
                String leader = operations
                        .transferLeadership(server, null, limit)
                        .get(limit.toMillis() + 500, TimeUnit.MILLISECONDS);
                LOG.info("engine {} has handed leadership over to {}", config.engineId(), leader);
            }
            proposals.settled().get(least(DRAIN, until(end)).toMillis(), TimeUnit.MILLISECONDS);
            awaitNextLeadersEntry(server, least(nextEntry(config), until(end)));
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn(
                    "engine {} could not hand everything over, the others will elect: {}",
                    config.engineId(),
                    String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Duration until(long end) {
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    }

    private static Duration least(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    /** Goes on leading while the engines that could are still applying the log. */
    private void awaitSuccessor(RatisServer server, long end)
            throws ExecutionException, InterruptedException, TimeoutException {
        boolean told = false;
        while (server.info().isLeader() && System.nanoTime() - end < 0) {
            var next = operations.successor(server).get(TRANSFER.toMillis(), TimeUnit.MILLISECONDS);
            if (next == null || next.behind() == 0) {
                return;
            }
            if (!told) {
                LOG.info(
                        "engine {} leads on until {} has applied the log ({}), {} s at most",
                        config.engineId(),
                        next.id(),
                        next.behind() == Long.MAX_VALUE
                                ? "it does not say how far it is"
                                : next.behind() + " entries are left",
                        CATCH_UP.toSeconds());
                told = true;
            }
            TimeUnit.NANOSECONDS.sleep(LOOK.toNanos());
        }
    }

    /** Waits until an entry of the current term is applied here, or the limit is over: the next leader, then, is slow or gone. */
    private void awaitNextLeadersEntry(RatisServer server, Duration limit)
            throws ExecutionException, InterruptedException {
        var end = server.position();
        long index = end.logTerm() == end.term() ? end.logIndex() : end.logIndex() + 1;
        try {
            applied.await(index).get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.debug("Engine {} has not heard of an entry of term {}", config.engineId(), end.term());
        }
    }

    /**
     * How long an engine that hands over waits for the next leader's first entry: an election timeout, in which a follower hears twice, by
     * heartbeats, of what is committed, when no append tells it sooner; 0.5 to 2 s.
     */
    static Duration nextEntry(RaftConfig config) {
        var timeout = config.electionTimeoutMin();
        return timeout.compareTo(NEXT_ENTRY_AT_LEAST) < 0 ? NEXT_ENTRY_AT_LEAST : least(timeout, NEXT_ENTRY_AT_MOST);
    }
}
