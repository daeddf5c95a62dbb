package io.raftfleet.state.raft;

import io.raftfleet.state.raft.PeerMessages.Standing;
import io.raftfleet.state.raft.ReplicationException.NotLeader;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.SnapshotManagementRequest;
import org.jspecify.annotations.Nullable;

/** What operators ask of a {@link RaftNode}: see its methods of the same names. Thread-safe. */
final class Operations {
    private static final Duration ASKING = Duration.ofMillis(200);

    private final RaftConfig config;
    private final LeadershipConfirmation followers;
    private final Checkpoints checkpoints;
    private final AppliedIndex applied;
    private final ClientId client;
    private final AtomicLong calls;
    private final ScheduledExecutorService timer;
    private final Membership membership;
    private final LeadershipTransfer transfer;

    Operations(
            RaftConfig config,
            LeadershipConfirmation followers,
            Checkpoints checkpoints,
            AppliedIndex applied,
            ClientId client,
            AtomicLong calls,
            ScheduledExecutorService timer) {
        this.config = config;
        this.followers = followers;
        this.checkpoints = checkpoints;
        this.applied = applied;
        this.client = client;
        this.calls = calls;
        this.timer = timer;
        this.transfer = new LeadershipTransfer(client, calls::incrementAndGet, timer);
        this.membership = new Membership(config, followers, client, calls::incrementAndGet, timer);
    }

    CompletableFuture<List<EnginePeer>> changeMembers(
            RatisServer server, List<EnginePeer> added, Set<String> removed, Duration deadline) {
        return membership.change(server, added, removed, deadline);
    }

    CompletableFuture<String> transferLeadership(RatisServer server, @Nullable String target, Duration deadline) {
        if (!server.info().isLeader()) {
            return CompletableFuture.failedFuture(
                    new NotLeader("Engine '" + config.engineId() + "' does not lead and can't hand over."));
        }
        if (target == null) {
            return successor(server).thenCompose(best -> {
                if (best != null) {
                    return transfer.to(server, best.id(), deadline);
                }
                return CompletableFuture.failedFuture(
                        server.info().isLeader()
                                ? new IllegalArgumentException("There is no other engine to lead.")
                                : new NotLeader("Engine '" + config.engineId() + "' leads no more."));
            });
        }
        if (server.peers().stream().noneMatch(p -> p.id().equals(target))) {
            return CompletableFuture.failedFuture(
                    new IllegalArgumentException("Engine '" + target + "' is no member."));
        }
        return transfer.to(server, target, deadline);
    }

    /**
     * The follower that should lead next.
     *
     * @param id its id
     * @param behind how many entries of the log it would have to apply before it takes writes; 0 while it keeps up, and when it
     *     has not been heard for long; {@code Long.MAX_VALUE} when it is there and does not say
     */
    record Successor(String id, long behind) {}

    /** Asks the followers, for {@link #ASKING} at most. Null when there is none. */
    CompletableFuture<@Nullable Successor> successor(RatisServer server) {
        return Standings.of(server, ASKING).thenApply(standings -> {
            long here = applied.get(); // Not more than it would have to apply if this engine stopped to take writes.
            var behind = new HashMap<String, Long>();
            standings.forEach((id, standing) -> behind.put(id, Standing.behind(standing.unappliedUpTo(here))));
            long term = server.info().getCurrentTerm();
            var recent = config.electionTimeoutMax();
            var best = followers.mostUpToDate(term, recent, behind);
            if (best == null || server.peers().stream().noneMatch(p -> p.id().equals(best))) {
                return null;
            }
            boolean answers = followers.silence(term).getOrDefault(best, Long.MAX_VALUE) <= recent.toMillis();
            return new Successor(best, behind.getOrDefault(best, answers ? Long.MAX_VALUE : 0));
        });
    }

    CompletableFuture<Long> takeSnapshot(RatisServer server, Duration deadline) {
        long wanted = applied.get();
        return Futures.unwrapped(Futures.within(
                checkpointUpTo(server, wanted, deadline),
                deadline,
                timer,
                () -> new Unavailable("No checkpoint up to index " + wanted + " within " + deadline.toMillis()
                        + " ms: see this engine's log; is the disk full or slow?")));
    }

    private CompletableFuture<Long> checkpointUpTo(RatisServer server, long wanted, Duration deadline) {
        Checkpoint durable = checkpoints.latest();
        if (wanted <= 0 || (durable != null && durable.index() >= wanted)) {
            return CompletableFuture.completedFuture(durable == null ? 0L : durable.index());
        }
        SnapshotManagementRequest request = SnapshotManagementRequest.newCreate(
                client, server.id(), server.group(), calls.incrementAndGet(), Math.max(1, deadline.toMillis()), 1);
        return server.admin(s -> s.snapshotManagementAsync(request)).thenCompose(reply -> {
            if (!reply.isSuccess()) {
                throw new Unavailable("No checkpoint: " + reply.getException().getMessage());
            }
            return checkpoints.written().thenCompose(index -> checkpointUpTo(server, wanted, deadline));
        });
    }
}
