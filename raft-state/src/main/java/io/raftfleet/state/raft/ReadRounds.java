package io.raftfleet.state.raft;

import io.raftfleet.state.raft.LeadershipConfirmation.Confirmed;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import org.apache.ratis.protocol.RaftPeer;
import org.jspecify.annotations.Nullable;

/**
 * Questions to a quorum that all who ask at a time share: whether this engine still leads, and, on every engine, up to where it has to
 * have applied the log before it may answer a read.
 *
 * <p>Thread-safe; owns the rounds under way.
 */
final class ReadRounds implements AutoCloseable {
    private final RaftConfig config;
    private final Supplier<@Nullable RatisServer> server;
    private final AppliedIndex applied;
    private final ScheduledExecutorService timer;
    private final Duration limit;
    private final RoundBatcher<Confirmed> confirmations;
    private final RoundBatcher<Confirmed> reads;

    ReadRounds(
            RaftConfig config,
            LeadershipConfirmation confirmation,
            Supplier<@Nullable RatisServer> server,
            AppliedIndex applied,
            ScheduledExecutorService timer) {
        this.config = config;
        this.server = server;
        this.applied = applied;
        this.timer = timer;
        this.limit = config.electionTimeoutMax().multipliedBy(3);
        this.confirmations = new RoundBatcher<>(
                "confirmation of leadership", confirmation::start, limit, false, config.maxWaiters(), timer);
        this.reads = new RoundBatcher<>("read index", this::ask, limit, true, config.maxWaiters(), timer);
    }

    /** Completes with an applied index, once that has all that was acknowledged anywhere before the call. */
    CompletableFuture<Long> readIndex(Duration deadline) {
        long end = System.nanoTime() + deadline.toNanos();
        return Futures.unwrapped(reads.join(deadline).thenCompose(confirmed -> {
            CompletableFuture<Long> done = applied.await(confirmed.commitIndex());
            return done.isDone()
                    ? done
                    : Futures.within(
                            done,
                            Duration.ofNanos(Math.max(0, end - System.nanoTime())),
                            timer,
                            () -> new Unavailable("Engine '" + config.engineId() + "' has applied up to "
                                    + applied.get() + ", not yet up to " + confirmed.commitIndex()
                                    + ": ask another engine, or again."));
        }));
    }

    /** Completes with the term that this engine leads; fails when it does not. */
    CompletableFuture<Long> confirmLeadership(Duration deadline) {
        return Futures.unwrapped(confirmations.join(deadline).thenApply(Confirmed::term));
    }

    /** What this engine, as the leader, answers to another one's read. */
    CompletableFuture<Confirmed> confirmed() {
        return confirmations.join(limit);
    }

    /** Whom a round asks has changed: one under way is begun anew. */
    void renew() {
        timer.execute(reads::renew);
    }

    RoundCounts counts() {
        return new RoundCounts(reads.rounds(), confirmations.rounds());
    }

    @Override
    public void close() {
        reads.close();
        confirmations.close();
    }

    private CompletableFuture<Confirmed> ask() {
        RatisServer current = server.get();
        if (current == null) {
            return CompletableFuture.failedFuture(new Unavailable("the engine is starting"));
        }
        if (current.info().isLeader()) {
            return confirmed();
        }
        RaftPeer leader = current.leaderPeer();
        if (leader == null || leader.getId().equals(current.id())) {
            return CompletableFuture.failedFuture(new Unavailable("no leader is known"));
        }
        return current.peerClient().readIndex(leader);
    }
}
