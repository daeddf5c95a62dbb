package io.raftfleet.engine.sim;

import io.raftfleet.engine.server.SimulatedEngine;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RaftConfig;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.state.raft.ReplicationException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What Raft does for engines, in memory: one log that all of them apply, each in its time; a leader at a time, of which the one
 * before may hear late; entries whose fate their proposer does not learn. Owned by the simulation's thread; decision threads propose
 * while that one waits for them.
 */
final class SimLog {
    private record Committed(long term, Entry entry) {}

    /** An entry that a leader has proposed, and that is not settled. Each is itself alone. */
    private static final class Proposal {
        private final long term;
        private final Entry entry;
        private final CompletableFuture<ApplyResult> result;

        Proposal(long term, Entry entry, CompletableFuture<ApplyResult> result) {
            this.term = term;
            this.entry = entry;
            this.result = result;
        }

        long term() {
            return term;
        }

        Entry entry() {
            return entry;
        }

        CompletableFuture<ApplyResult> result() {
            return result;
        }
    }

    private final SplittableRandom random;
    private final Registry truth;
    private final BiConsumer<Entry, ApplyResult> observer;
    private final List<Committed> entries = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, Long> ledUntil = new HashMap<>();
    private final Deque<Runnable> answers = new ArrayDeque<>();
    private final LongSupplier nanos;
    private long term;
    private @Nullable Node leader;
    private boolean faults = true;

    /**
     * @param truth gets all that is committed, at once
     * @param observer hears of all that is committed
     */
    SimLog(SplittableRandom random, LongSupplier nanos, Registry truth, BiConsumer<Entry, ApplyResult> observer) {
        this.random = random;
        this.nanos = nanos;
        this.truth = truth;
        this.observer = observer;
    }

    Node node(EnginePeer peer) {
        var node = new Node(peer);
        nodes.add(node);
        return node;
    }

    List<Node> nodes() {
        return nodes;
    }

    @Nullable
    Node leader() {
        return leader;
    }

    /** Until when the engine at an address has led; negative if it never has. */
    long ledUntil(String address) {
        var now = leader;
        return now != null && now.peer.grpcAddress().equals(address)
                ? nanos.getAsLong()
                : ledUntil.getOrDefault(address, -1L);
    }

    private void nobodyLeads() {
        var old = leader;
        if (old != null) {
            ledUntil.put(old.peer.grpcAddress(), nanos.getAsLong());
            leader = null;
        }
    }

    /** Tells a proposer what became of its proposal; null when there is nothing to tell. */
    @Nullable
    Runnable nextAnswer() {
        return answers.poll();
    }

    /** From now on every entry is committed, and its proposer told. */
    void calm() {
        faults = false;
    }

    /**
     * Another engine, or the same again, leads.
     *
     * @param patience how long it may take until the old leader hears of it
     */
    void elect(Node next, Duration patience) {
        var old = leader;
        term++;
        long elected = term;
        if (old != null) {
            old.settle();
        }
        nobodyLeads();
        leader = next;
        for (var node : nodes) {
            var process = node.process;
            if (process == null) {
                continue;
            }
            long most = node == old && node != next ? patience.toNanos() : node == next ? 1 : 30_000_000;
            process.after(Duration.ofNanos(random.nextLong(Math.max(1, most))), () -> node.hears(next, elected));
        }
    }

    /** Every engine has lost its disk, and another log begins. No engine may run. */
    void begin(List<Entry> first) {
        entries.clear();
        answers.clear();
        truth.restore(0, 0, Collections.emptyIterator());
        first.forEach(entry -> append(0, entry));
    }

    private void append(long inTerm, Entry entry) {
        entries.add(new Committed(inTerm, entry));
        observer.accept(entry, truth.apply(inTerm, entries.size(), entry));
        for (var node : nodes) {
            var process = node.process;
            if (process != null) {
                int upTo = entries.size();
                process.after(Duration.ofNanos(random.nextLong(20_000_000)), () -> node.catchUp(upTo));
            }
        }
    }

    /** One engine's place in the log. */
    final class Node implements SimulatedEngine.Raft {
        private final EnginePeer peer;
        private @Nullable SimProcess process;
        private @Nullable SimulatedEngine engine;
        private int applied;
        private long knownTerm;
        private @Nullable EnginePeer knownLeader;
        /** Of the term that it was told to lead; 0 while it knows of none. */
        private long leading;

        private volatile @Nullable Proposal pending;
        /** Entries whose proposer was told that their fate is unknown. */
        private final List<Proposal> late = new ArrayList<>();

        Node(EnginePeer peer) {
            this.peer = peer;
        }

        EnginePeer peer() {
            return peer;
        }

        @Nullable
        SimulatedEngine engine() {
            return engine;
        }

        @Nullable
        SimProcess process() {
            return process;
        }

        /** A process begins, with nothing but the log. */
        void started(SimProcess newProcess, SimulatedEngine newEngine) {
            process = newProcess;
            engine = newEngine;
            applied = 0;
            leading = 0;
            knownTerm = term;
            knownLeader = null;
            catchUp(entries.size());
            var now = leader;
            if (now != null && now != this) {
                long current = term;
                newProcess.after(Duration.ofMillis(5), () -> hears(now, current));
            }
        }

        /** Its process is no more. */
        void stopped() {
            if (leader == this) {
                settle();
                nobodyLeads();
            }
            pending = null;
            late.clear();
            process = null;
            engine = null;
        }

        /** Whether its decision thread waits for the log. */
        boolean proposing() {
            return pending != null;
        }

        /** It leads no longer: what it had under way is committed by the next leader, up to some point, or by nobody. */
        private void settle() {
            var open = new ArrayList<>(late);
            var last = pending;
            if (last != null) {
                open.add(last);
            }
            int kept = random.nextInt(open.size() + 1);
            for (var proposal : open.subList(0, kept)) {
                append(proposal.term(), proposal.entry());
            }
            late.clear();
        }

        private void hears(Node who, long ofTerm) {
            var here = engine;
            if (here == null || (ofTerm <= knownTerm && knownLeader != null)) {
                return;
            }
            knownTerm = ofTerm;
            knownLeader = who.peer;
            if (leading != 0) {
                leading = 0;
                here.leaderStopped();
                fail(new ReplicationException.FateUnknown("another engine leads"));
            }
            here.leaderChanged(who.peer);
            if (who == this && leader == this && term == ofTerm) {
                catchUp(entries.size());
                leading = ofTerm;
                here.leaderStarted(ofTerm);
            }
        }

        private void catchUp(int upTo) {
            var here = engine;
            while (here != null && applied < upTo) {
                var next = entries.get(applied);
                applied++;
                here.registry().apply(next.term(), applied, next.entry());
            }
        }

        private boolean leads() {
            return leader == this && leading == term;
        }

        private void fail(ReplicationException why) {
            answer(result -> result.completeExceptionally(why));
        }

        /** Once the task that is run now is over. */
        private void answer(Consumer<CompletableFuture<ApplyResult>> outcome) {
            var proposal = pending;
            if (proposal != null) {
                answers.add(() -> {
                    if (pending == proposal) {
                        pending = null; // Before it is told: from here on its thread is at work.
                        outcome.accept(proposal.result());
                    }
                });
            }
        }

        @Override
        public CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline) {
            var result = new CompletableFuture<ApplyResult>();
            var proposal = new Proposal(leading, entry, result);
            var process = this.process;
            if (process == null || leading == 0) {
                result.completeExceptionally(new ReplicationException.NotLeader("this engine does not lead"));
                return result;
            }
            process.after(Duration.ofNanos(500_000 + random.nextLong(4_000_000)), () -> settle(proposal));
            pending = proposal; // From here on the simulation goes on.
            return result;
        }

        private void settle(Proposal proposal) {
            if (pending != proposal || !leads() || proposal.term() != term) {
                return; // It hears of its end.
            }
            int fate = faults ? random.nextInt(100) : 99;
            if (fate == 0) {
                fail(new ReplicationException.Unavailable("no quorum"));
                return;
            }
            if (fate == 1) {
                if (random.nextBoolean()) {
                    late.add(proposal);
                }
                fail(new ReplicationException.FateUnknown("lost on the way"));
                return;
            }
            late.forEach(earlier -> append(earlier.term(), earlier.entry()));
            late.clear();
            append(proposal.term(), proposal.entry());
            var here = engine;
            if (here == null) {
                return;
            }
            catchUp(entries.size() - 1);
            applied++;
            var result = here.registry().apply(proposal.term(), applied, proposal.entry());
            if (fate == 2) {
                fail(new ReplicationException.FateUnknown("the answer is lost"));
            } else {
                answer(told -> told.complete(result));
            }
        }

        @Override
        public int agreedFormat() {
            return RaftConfig.ENTRY_FORMAT;
        }

        @Override
        public CompletableFuture<?> confirm() {
            var confirmed = new CompletableFuture<Void>();
            var here = process;
            if (here != null) {
                here.after(Duration.ofNanos(random.nextLong(2_000_000)), () -> {
                    if (leads()) {
                        confirmed.complete(null);
                    } else {
                        confirmed.completeExceptionally(new ReplicationException.NotLeader("another engine leads"));
                    }
                });
            }
            return confirmed;
        }

        @Override
        public CompletableFuture<Long> readIndex() {
            var read = new CompletableFuture<Long>();
            var here = process;
            if (here != null) {
                int index = entries.size();
                boolean stale = leader == null || (leading != 0 && !leads());
                here.after(Duration.ofNanos(random.nextLong(2_000_000)), () -> {
                    if (stale) {
                        read.completeExceptionally(new ReplicationException.Unavailable("no quorum"));
                    } else {
                        catchUp(index);
                        read.complete((long) index);
                    }
                });
            }
            return read;
        }

        @Override
        public @Nullable EnginePeer leader() {
            return knownLeader;
        }

        @Override
        public long term() {
            return knownTerm;
        }

        @Override
        public void handOver() {
            var others = nodes.stream()
                    .filter(node -> node != this && node.engine != null)
                    .toList();
            var here = process;
            if (!others.isEmpty() && here != null && leads()) {
                var next = others.get(random.nextInt(others.size()));
                here.after(Duration.ofMillis(2), () -> {
                    if (leads() && next.engine != null) {
                        elect(next, Duration.ofMillis(5));
                    }
                });
            }
        }
    }
}
