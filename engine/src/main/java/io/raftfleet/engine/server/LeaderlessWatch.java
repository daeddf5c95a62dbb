package io.raftfleet.engine.server;

import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftView;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in the log that this engine knows no leader, as when it is cut off: once that has lasted longer than an election takes, once a
 * minute while it lasts, and when it is over. Runs on the engine's timer.
 */
final class LeaderlessWatch {
    static final Duration FIRST = Duration.ofSeconds(10);
    static final Duration AGAIN = Duration.ofMinutes(1);

    private static final Logger log = LoggerFactory.getLogger(LeaderlessWatch.class);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final String engineId;
    private final Supplier<RaftView> raft;
    private final LongSupplier nanoTime;
    private boolean without;
    private boolean said;
    private long since;
    private long next;

    /** @param raft this engine's view of the group */
    LeaderlessWatch(String engineId, Supplier<RaftView> raft, LongSupplier nanoTime) {
        this.engineId = engineId;
        this.raft = raft;
        this.nanoTime = nanoTime;
    }

    void start(Ticker ticker) {
        ticker.every(EVERY, this::look);
    }

    /** Looks once. */
    void look() {
        var view = raft.get();
        var leader = view.leader();
        long now = nanoTime.getAsLong();
        if (leader != null) {
            if (said) {
                log.info("engine {} knows a leader again, {}, after {} s", engineId, leader.id(), seconds(now - since));
            }
            without = false;
            said = false;
        } else if (!without) {
            without = true;
            since = now;
            next = now + FIRST.toNanos();
        } else if (next - now <= 0) {
            said = true;
            next = now + AGAIN.toNanos();
            log.warn(
                    "engine {} has known no leader for {} s: fewer than a majority of {} reach each other. It takes no writes, and"
                            + " answers only reads that may be stale; look whether the others run, and at the network between the"
                            + " Raft ports",
                    engineId,
                    seconds(now - since),
                    view.peers().stream().map(EnginePeer::id).sorted().toList());
        }
    }

    private static long seconds(long nanos) {
        return Duration.ofNanos(nanos).toSeconds();
    }
}
