package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EngineClocks;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/** A log of one engine without Raft: what is proposed is applied at once, unless a test has a fate in mind for it. */
final class MemoryLog implements Controller.Proposer {
    /** What becomes of a proposal. */
    enum Fate {
        /** Applied and answered. */
        COMMITTED,
        /** Applied, but the answer is lost. */
        COMMITTED_UNANSWERED,
        /** Neither applied nor answered. */
        LOST,
        /** Refused for now: in no log. */
        UNAVAILABLE,
        /** Applied and answered, with units in it made as if in place of others, which there are none of. */
        DECIDED_WRONGLY
    }

    private final Registry registry;
    private final ConcurrentLinkedDeque<Fate> fates = new ConcurrentLinkedDeque<>();
    private final List<Entry> entries = new ArrayList<>();
    private volatile int agreedFormat = RaftConfig.ENTRY_FORMAT;
    private volatile EngineClocks clocks = EngineClocks.ALONE;
    private final AtomicInteger untold = new AtomicInteger();
    private long index;

    MemoryLog(Registry registry) {
        this.registry = registry;
    }

    /** The next proposal has this fate; those after it are committed. */
    void next(Fate fate) {
        fates.add(fate);
    }

    synchronized List<Entry> entries() {
        return List.copyOf(entries);
    }

    /** Entries that speak of such a unit are taken for badly made. */
    volatile String cursed = "";

    @Override
    public synchronized CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
        if (entry.getSerializedSize() > RaftConfig.MAX_ENTRY_BYTES) {
            return CompletableFuture.failedFuture(
                    new IllegalArgumentException("an entry of " + entry.getSerializedSize() + " bytes"));
        }
        if (!cursed.isEmpty()
                && entry.getRecordsList().stream()
                        .anyMatch(record -> record.getUnitCreated().getName().equals(cursed))) {
            return CompletableFuture.failedFuture(new IllegalArgumentException("an entry that is cursed"));
        }
        var planned = fates.poll();
        var fate = planned == null ? Fate.COMMITTED : planned;
        if (fate == Fate.LOST) {
            return CompletableFuture.failedFuture(new ReplicationException.FateUnknown("lost on the way"));
        }
        if (fate == Fate.UNAVAILABLE) {
            return CompletableFuture.failedFuture(new ReplicationException.Unavailable("the disk is almost full"));
        }
        var applied = fate == Fate.DECIDED_WRONGLY ? replacingWhatIsNot(entry) : entry;
        entries.add(applied);
        var result = registry.apply(1, ++index, applied);
        return fate != Fate.COMMITTED_UNANSWERED
                ? CompletableFuture.completedFuture(result)
                : CompletableFuture.failedFuture(new ReplicationException.FateUnknown("the answer is lost"));
    }

    @Override
    public int agreedFormat() {
        return agreedFormat;
    }

    @Override
    public EngineClocks clocks() {
        return untold.getAndUpdate(looks -> Math.max(0, looks - 1)) > 0
                ? new EngineClocks(clocks.voters(), List.of())
                : clocks;
    }

    /** From now on there are so many engines, and these are the clocks of some of the others. */
    void clocks(int voters, Long... others) {
        clocks = new EngineClocks(voters, List.of(others));
    }

    /** The others' clocks are not known for so many looks. */
    void untold(int looks) {
        untold.set(looks);
    }

    /** From now on an engine takes part that reads entries up to this format. */
    void agree(int format) {
        agreedFormat = format;
    }

    private static Entry replacingWhatIsNot(Entry entry) {
        var changed = entry.toBuilder();
        changed.getRecordsBuilderList().stream()
                .filter(Record.Builder::hasUnitCreated)
                .forEach(record -> record.getUnitCreatedBuilder().setReplacesVersion(Long.MAX_VALUE));
        return changed.build();
    }
}
