package io.raftfleet.state.raft;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException.FateUnknown;
import io.raftfleet.state.raft.ReplicationException.NotLeader;
import io.raftfleet.state.raft.ReplicationException.Unavailable;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.protocol.exceptions.LeaderNotReadyException;
import org.apache.ratis.protocol.exceptions.LeaderSteppingDownException;
import org.apache.ratis.protocol.exceptions.NotLeaderException;
import org.apache.ratis.protocol.exceptions.ServerNotReadyException;
import org.apache.ratis.statemachine.TransactionContext;
import org.jspecify.annotations.Nullable;

/**
 * This engine's proposals that wait to be applied. A proposal ends when its entry applies here, whatever became of
 * Ratis' reply; when it certainly is in no log ({@link NotLeader}); or at its deadline ({@link FateUnknown}).
 *
 * <p>When leadership is lost, an appended entry may still be committed by the next leader. Its proposal waits on: as soon
 * as another entry applies at its index it is certain that it never will.
 *
 * <p>Thread-safe. Results are completed on the thread that applies; dependents must not block.
 */
final class Proposals {
    private final String engineId;
    private final int limit;
    private final ScheduledExecutorService timer;
    private final Map<Long, Pending> byProposal = new ConcurrentHashMap<>();
    private final Map<Long, Pending> orphans = new ConcurrentHashMap<>();

    /** One proposal. */
    static final class Pending {
        final Entry entry;
        final CompletableFuture<ApplyResult> result = new CompletableFuture<>();
        /** Set before the entry is put into the log. Null: it is in no log. */
        private volatile @Nullable TransactionContext appending;

        Pending(Entry entry) {
            this.entry = entry;
        }

        void appending(TransactionContext context) {
            appending = context;
        }

        private @Nullable LogEntryProto logEntry() {
            TransactionContext context = appending;
            return context == null ? null : context.getLogEntry();
        }
    }

    Proposals(String engineId, int limit, ScheduledExecutorService timer) {
        this.engineId = engineId;
        this.limit = limit;
        this.timer = timer;
    }

    /**
     * Takes a proposal.
     *
     * @throws IllegalArgumentException when one with the same number is pending
     * @throws Unavailable when too many are
     */
    Pending register(Entry entry, Duration deadline) {
        if (byProposal.size() >= limit) {
            throw new Unavailable("Engine '" + engineId + "' has " + limit + " proposals pending already: back off.");
        }
        Pending pending = new Pending(entry);
        if (byProposal.putIfAbsent(entry.getProposal(), pending) != null) {
            throw new IllegalArgumentException("Proposal " + Long.toHexString(entry.getProposal())
                    + " is pending already: give each entry a random number of its own.");
        }
        ScheduledFuture<?> alarm = timer.schedule(
                () -> pending.result.completeExceptionally(
                        unknown(pending, "it was not applied within " + deadline.toMillis() + " ms")),
                deadline.toNanos(),
                TimeUnit.NANOSECONDS);
        Futures.onEnd(pending.result, (value, failure) -> {
            alarm.cancel(false);
            byProposal.remove(entry.getProposal(), pending);
            orphans.remove(entry.getProposal(), pending);
        });
        return pending;
    }

    /** The pending proposal of a number, or null. */
    @Nullable
    Pending find(long proposal) {
        return byProposal.get(proposal);
    }

    /** Ratis refused or lost a proposal. */
    void failed(Pending pending, Throwable cause) {
        if (pending.appending != null) {
            orphans.put(pending.entry.getProposal(), pending);
            if (pending.result.isDone()) {
                orphans.remove(pending.entry.getProposal(), pending);
            }
            return;
        }
        String number = Long.toHexString(pending.entry.getProposal());
        if (cause instanceof NotLeaderException
                || cause instanceof LeaderNotReadyException
                || cause instanceof LeaderSteppingDownException
                || cause instanceof ServerNotReadyException) {
            pending.result.completeExceptionally(new NotLeader("Engine '" + engineId + "' takes no proposals now ("
                    + cause.getClass().getSimpleName() + "): send proposal " + number + " to the leader."));
        } else if (cause instanceof IllegalArgumentException) {
            pending.result.completeExceptionally(cause);
        } else {
            pending.result.completeExceptionally(
                    new Unavailable("Proposal " + number + " was not written: " + cause + ". Back off."));
        }
    }

    /** An entry applied: ends its proposal, and those that it proves to be lost. */
    void applied(long term, ApplyResult result) {
        Pending pending = byProposal.get(result.proposal());
        if (pending != null) {
            LogEntryProto own = pending.logEntry();
            if (own == null || (own.getTerm() == term && own.getIndex() == result.index())) {
                pending.result.complete(result);
            }
        }
        passed(result.index());
    }

    /** Everything up to {@code index} has been applied, one by one. */
    void passed(long index) {
        if (orphans.isEmpty()) {
            return;
        }
        for (Iterator<Pending> all = orphans.values().iterator(); all.hasNext(); ) {
            Pending orphan = all.next();
            LogEntryProto own = orphan.logEntry();
            if (own != null && own.getIndex() <= index) {
                all.remove();
                orphan.result.completeExceptionally(new NotLeader("Proposal "
                        + Long.toHexString(orphan.entry.getProposal()) + " was lost with the leadership of engine '"
                        + engineId + "' and will never apply: propose it to the new leader."));
            }
        }
    }

    /** Completes when all proposals pending now have ended, whichever way. */
    CompletableFuture<Void> settled() {
        return CompletableFuture.allOf(byProposal.values().stream()
                .map(p -> p.result.handle((value, failure) -> value))
                .toArray(CompletableFuture[]::new));
    }

    /** Ends all proposals: their entries may or may not be committed. */
    void abandon(String why) {
        for (Pending pending : List.copyOf(byProposal.values())) {
            pending.result.completeExceptionally(unknown(pending, why));
        }
    }

    private FateUnknown unknown(Pending pending, String why) {
        return new FateUnknown("Proposal " + Long.toHexString(pending.entry.getProposal()) + " of engine '" + engineId
                + "' may or may not be committed: " + why + ". Ask for its outcome by its request id.");
    }
}
