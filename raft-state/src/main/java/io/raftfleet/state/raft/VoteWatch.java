package io.raftfleet.state.raft;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out when Ratis could not store term or vote, of which it tells nobody in most cases: an engine that stands for election ends that
 * and never stands again, one that hears of a later term goes on in it. See {@link StoredVote}. Owned by one timer's thread.
 */
final class VoteWatch {
    private static final Logger LOG = LoggerFactory.getLogger(VoteWatch.class);
    /** A term that is not stored after so long never is: Ratis stores it at once, or not. */
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);

    private final Supplier<@Nullable RatisServer> server;
    private final Consumer<IOException> onFailure;
    private @Nullable RatisServer seen;
    /** Of {@link #seen}, at the last look; 0 for none. */
    private long unstored;

    /**
     * One that does not look yet.
     *
     * @param server the current one; null while there is none
     * @param onFailure told that term or vote of the current server are not stored
     */
    VoteWatch(Supplier<@Nullable RatisServer> server, Consumer<IOException> onFailure) {
        this.server = server;
        this.onFailure = onFailure;
    }

    /** Looks from now on, until the timer is shut down. */
    void watch(ScheduledExecutorService timer) {
        var unused = timer.scheduleWithFixedDelay(
                this::look, BETWEEN_LOOKS.toMillis(), BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void look() {
        RatisServer now = server.get();
        long term = now == null ? 0 : now.unstoredTerm();
        boolean still = now == seen && term != 0 && term == unstored;
        seen = now;
        unstored = term;
        if (now != null && (still || now.hasLostItsVote())) {
            LOG.warn("Engine {} could not store its term or its vote", now.id());
            onFailure.accept(
                    new IOException("No space left on device, or none that can be used: the vote was not stored"));
        }
    }
}
