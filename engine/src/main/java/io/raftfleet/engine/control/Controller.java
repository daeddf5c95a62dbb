package io.raftfleet.engine.control;

import com.google.common.util.concurrent.MoreExecutors;
import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Speculation;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides, on one thread, while this engine leads. One entry is in flight at a time: whatever comes meanwhile is decided
 * next, together, on what has then been applied, so that no two entries ever book the same place. When an entry's fate is
 * unknown the leadership is begun anew: first an entry that tells that everything before it has been applied or never
 * will be, then a scheduler made from what is applied.
 *
 * <p>Who asks for something that can't be decided, or written, is refused alone: nothing of the batch is in a log then, so
 * the scheduler is made anew and all others are decided again. Errors that are no one's request, as out of memory, end the
 * process.
 *
 * <p>The queue and the scheduler belong to the decision thread; others reach them through the queue. Nobody is answered on that
 * thread: what it decided is told by the executor of replies.
 */
public final class Controller implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Controller.class);

    private static final int PLACEMENTS_A_STEP = 256;
    /** Reports that wait take at most this part of the heap as bytes, and a few times that as objects. */
    private static final int REPORTS_SHARE = 32;

    /** The log, as a leader writes it. */
    public interface Proposer {
        /** Proposes an entry; completes when it has been applied here. */
        CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline);

        /** Newest format of entries that all engines read, as far as is known. Must be quick: asked before each entry. */
        int agreedFormat();
    }

    /** How an empty registry begins when it is not to be a new cluster's. */
    @FunctionalInterface
    public interface Beginning {
        /**
         * Entries that fill the registry; the last one creates the cluster. Called by the decision thread of a leader that has
         * nothing else to do.
         *
         * @throws BeginningException when that can't be had: the message says why, and what to do
         */
        List<List<Record>> entries() throws BeginningException, InterruptedException;
    }

    /** An empty registry can't begin, so far. */
    public static final class BeginningException extends Exception {
        private static final long serialVersionUID = 1;

        public BeginningException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Hears, on the decision thread, when this engine takes up and lays down its work as leader. Must be quick. */
    public interface LeadershipListener {
        /** All that earlier leaders decided has been applied; what agents and clients send is now decided here. */
        void leading(long term);

        /** Nothing is decided here any more. */
        void resigned(long term);
    }

    private final String engineId;
    private final Registry registry;
    private final Committer committer;
    private final InstantSource clock;
    private final RandomGenerator random;
    private final LeadershipListener listener;
    private final DecisionMetrics metrics;
    private final Executor replies;
    /**
     * For agents: the acknowledgement of a report says that those before it are committed too, so that it may not overtake the word
     * that one of them is not.
     */
    private final Executor repliesInOrder;

    private final LongSupplier quota;
    private final Barrier barrier;
    private final Faults faults;
    private final WorkQueue queue = new WorkQueue(Runtime.getRuntime().maxMemory() / REPORTS_SHARE);
    private final Thread thread;
    private @Nullable Scheduler scheduler;
    /** Were together in an entry that can't be written: each is decided in one of its own, before all else. */
    private final Deque<Work> suspects = new ArrayDeque<>();

    private volatile boolean closed;

    public Controller(
            String engineId,
            Registry registry,
            Proposer proposer,
            InstantSource clock,
            RandomGenerator random,
            LeadershipListener listener,
            DecisionMetrics metrics,
            Executor replies) {
        this(engineId, registry, proposer, clock, random, listener, metrics, replies, () -> Long.MAX_VALUE, null);
    }

    /**
     * A controller; {@link #start} makes it work.
     *
     * @param replies completes the futures that are handed out, so that who acts on them holds up no decision
     * @param quota how many bytes of the heap the registry may take, now
     * @param beginning of a cluster that is not new; null to create one where there is none
     */
    public Controller(
            String engineId,
            Registry registry,
            Proposer proposer,
            InstantSource clock,
            RandomGenerator random,
            LeadershipListener listener,
            DecisionMetrics metrics,
            Executor replies,
            LongSupplier quota,
            @Nullable Beginning beginning) {
        this.replies = replies;
        this.repliesInOrder = MoreExecutors.newSequentialExecutor(replies);
        this.quota = quota;
        this.engineId = engineId;
        this.registry = registry;
        this.committer = new Committer(engineId, proposer);
        this.barrier = new Barrier(engineId, registry, committer, queue, clock, random, this::budget, beginning);
        this.clock = clock;
        this.random = random;
        this.listener = listener;
        this.faults = new Faults(engineId);
        this.metrics = metrics;
        this.thread = Thread.ofPlatform().name("decisions").unstarted(this::run);
    }

    public void start() {
        thread.start();
    }

    /** Raft made this engine the leader of a term. */
    public void leaderStarted(long term) {
        queue.lead(term);
    }

    /** Raft made another engine the leader, or none. */
    public void leaderStopped() {
        queue.lead(0);
    }

    /**
     * Decides a client's write. Fails with {@link Abandoned} when this engine does not lead, or no longer; with a final
     * status when the request as a whole is refused or too much is queued.
     */
    CompletableFuture<WriteResponse> write(RequestId id, long requestDigest, List<Item> items) {
        var call = new WriteCall(registry, id, requestDigest, items);
        queue.offer(call);
        return told(call.reply(), replies);
    }

    /** Opens a machine's session; completes with its epoch, once it is committed. */
    public CompletableFuture<Long> openSession(SessionOpened session) {
        var work = new AgentWork.SessionOpen(session);
        queue.offer(work);
        return told(work.epoch(), repliesInOrder);
    }

    /** Takes a machine's report; completes once it is committed. */
    public CompletableFuture<Void> report(StatesReported report) {
        var work = new AgentWork.Report(report);
        queue.offer(work);
        return told(work.committed(), repliesInOrder);
    }

    /** Whether so many reports wait that each agent had better send one at a time. */
    public boolean crowded() {
        return queue.crowded();
    }

    /** A machine was not heard for its TTL; false when too much is queued, or this engine does not lead. */
    public boolean silent(String machineId, long sessionEpoch, String reason) {
        return queue.offer(new AgentWork.Silence(machineId, sessionEpoch, reason));
    }

    /** Has an orphan stopped and removed by its machine; completes once that is committed. */
    public CompletableFuture<Void> dropOrphan(String machineId, String name) {
        return settle(new OrphanWork(machineId, name, null));
    }

    /** Makes an orphan a unit that is where it runs, as it runs; completes once that is committed. */
    public CompletableFuture<Void> adoptOrphan(
            String machineId, String name, UnitFile file, Requirements requirements, TargetState target) {
        return settle(new OrphanWork(machineId, name, new OrphanWork.Adoption(file, requirements, target)));
    }

    private CompletableFuture<Void> settle(OrphanWork work) {
        queue.offer(work);
        return told(work.done(), replies);
    }

    /** The same outcome, by another thread than the deciding one. Who ends it first has what was not decided yet dropped. */
    private static <T> CompletableFuture<T> told(CompletableFuture<T> decided, Executor by) {
        var reply = new CompletableFuture<T>();
        var unused = decided.whenComplete((result, failure) -> by.execute(() -> {
            if (failure == null) {
                reply.complete(result);
            } else {
                reply.completeExceptionally(failure);
            }
        }));
        var unusedToo = reply.whenComplete((result, failure) -> {
            if (failure != null) {
                decided.completeExceptionally(failure);
            }
        });
        return reply;
    }

    /** Why units can't be placed, by name; a unit that is placed or wants no machine has no reasons. */
    public CompletableFuture<Map<String, List<Veto>>> explain(Collection<String> units) {
        var question = new Question<Map<String, List<Veto>>>(scheduling -> {
            var reasons = new TreeMap<String, List<Veto>>();
            for (var unit : units) {
                var vetoes = scheduling.explain(unit);
                if (!vetoes.isEmpty()) {
                    reasons.put(unit, vetoes);
                }
            }
            return reasons;
        });
        queue.offer(question);
        return told(question.answer(), replies);
    }

    @Override
    public void close() {
        closed = true;
        queue.lead(0);
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        long begun = 0;
        while (!closed) {
            try {
                long term = queue.awaitLeadership();
                boolean again = term == begun;
                begun = term;
                lead(term, again);
            } catch (InterruptedException e) {
                // Closing: the loop's condition says so.
            } catch (RuntimeException e) {
                faults.say("the decision thread failed; it begins anew from what is applied", e);
                pauseAfterFault(begun);
            }
        }
        queue.abandonAll("engine " + engineId + " is stopping");
    }

    private void pauseAfterFault(long term) {
        try {
            queue.pause(term, 500 + random.nextInt(500));
        } catch (InterruptedException e) {
            // Closing: the loop's condition says so.
        }
    }

    /**
     * Leads a term until it is over, a decision's fate is unknown, or nothing can be written.
     *
     * @param again whether an earlier decision of this term may yet be committed: it has to be settled first. At the start of a
     *     term Raft has applied all there is
     */
    private void lead(long term, boolean again) throws InterruptedException {
        try {
            boolean settled = !again && registry.read(RegistryView::incarnation) != 0;
            if (!settled && !barrier.commit(term)) {
                return;
            }
            scheduler = rebuild();
            log.info("engine {} leads term {}", engineId, term);
            metrics.leading();
            listener.leading(term);
            try {
                boolean sound = true;
                while (sound && queue.leads(term)) {
                    sound = step(term);
                }
            } finally {
                listener.resigned(term);
            }
        } finally {
            scheduler = null;
            queue.putBack(List.copyOf(suspects));
            suspects.clear();
            if (!queue.leads(term)) {
                queue.abandonAll("engine " + engineId + " leads no longer");
            }
        }
    }

    private Budget budget() {
        return new Budget(registry.read(view -> view.memory().held()), quota.getAsLong());
    }

    /** Decides and commits one entry; false when the leadership has to be begun anew. */
    private boolean step(long term) throws InterruptedException {
        var decider = scheduling();
        if (suspects.isEmpty() && (!decider.hasWork() || faults.pauseMillis() > 0)) {
            queue.awaitWork(term, decider.hasWork() ? faults.pauseMillis() : 0);
        }
        if (!queue.leads(term)) {
            return true; // what waits now was meant for the next term
        }
        long start = System.nanoTime();
        var batch = new Batch();
        var draft = new Draft(registry, decider, budget(), committer.writesFacts());
        long now = Math.max(clock.millis(), registry.read(view -> view.clockMs()));
        var decided = new ArrayList<Work>();
        boolean alone = !suspects.isEmpty();
        try {
            if (alone) {
                decided.add(suspects.removeFirst());
                decided.getFirst().decide(batch, draft, now);
            } else {
                queue.decide(batch, draft, now, decided);
            }
        } catch (Speculation.OvertakenException e) {
            log.info("engine {} decides again: {}", engineId, e.getMessage());
            startOver(decided);
            return true;
        } catch (RuntimeException | StackOverflowError e) {
            if (decided.isEmpty()) {
                throw e;
            }
            refuse(decided.getLast(), e);
            startOver(decided);
            return true;
        }
        var placed = Placed.NOTHING;
        boolean placing = !alone && decider.hasWork() && faults.pauseMillis() == 0;
        if (placing) {
            try {
                placed = place(batch, draft);
            } catch (Speculation.OvertakenException e) {
                log.info("engine {} decides again: {}", engineId, e.getMessage());
                startOver(decided);
                return true;
            } catch (RuntimeException | StackOverflowError e) {
                faults.ofPlacing(e);
                startOver(decided);
                return true;
            }
        }
        if (batch.isEmpty()) {
            return true;
        }
        return switch (committer.propose(batch.entry(now, random.nextLong()))) {
            case Outcome.Applied applied -> {
                metrics.decided(placed.scheduled(), placed.unscheduled(), Duration.ofNanos(System.nanoTime() - start));
                decided.forEach(work -> answer(work, applied.result()));
                queue.putBack(decided);
                if (!sound(batch, applied.result())) {
                    scheduler = rebuild();
                } else if (placing) {
                    faults.placed();
                }
                yield true;
            }
            case Outcome.AtFault atFault -> {
                if (alone) {
                    refuse(decided.getFirst(), atFault.cause());
                } else if (decided.isEmpty()) {
                    faults.ofPlacing(atFault.cause());
                } else {
                    decided.forEach(Work::undone);
                    decided.stream().filter(Work::open).forEach(suspects::addLast);
                    decided.clear();
                }
                startOver(decided);
                yield true;
            }
            case Outcome.NotWritten refused -> {
                decided.forEach(Work::undone);
                decided.forEach(work -> work.abandon(false, refused.why()));
                metrics.failed(placed.scheduled(), placed.unscheduled());
                yield false;
            }
            case Outcome.Unknown unknown -> {
                decided.forEach(work -> work.abandon(
                        true, "engine " + engineId + " can't tell whether the write was committed: " + unknown.why()));
                metrics.failed(placed.scheduled(), placed.unscheduled());
                yield false;
            }
        };
    }

    /** How many units an entry schedules, and takes off their machines. */
    private record Placed(int scheduled, int unscheduled) {
        static final Placed NOTHING = new Placed(0, 0);
    }

    private Placed place(Batch batch, Draft draft) {
        var decider = scheduling();
        int scheduled = 0;
        int unscheduled = 0;
        while (!batch.full() && decider.hasWork()) {
            for (var decision : decider.decide(PLACEMENTS_A_STEP)) {
                log.debug("unit {}: {}", decision.unit(), decision.reason());
                batch.add(draft.schedule(decision));
                if (decision instanceof Decision.Schedule) {
                    scheduled++;
                } else {
                    unscheduled++;
                }
            }
        }
        return new Placed(scheduled, unscheduled);
    }

    private void refuse(Work work, Throwable cause) {
        faults.of(work, cause);
        work.fault(cause);
    }

    /** Nothing of the last batch is in a log: all of it is decided again, on what is applied. */
    private void startOver(List<Work> decided) {
        decided.forEach(Work::undone);
        queue.putBack(decided);
        scheduler = rebuild();
    }

    private void answer(Work work, ApplyResult result) {
        try {
            work.applied(result);
        } catch (RuntimeException e) {
            faults.of(work, e);
            work.abandon(true, "it was committed, but its answer could not be told");
        }
    }

    /** Whether all was applied as decided. A repeated request aside, nothing else may be dropped. */
    private boolean sound(Batch batch, ApplyResult result) {
        for (int i = 0; i < result.dropped().size(); i++) {
            var why = result.dropped().get(i);
            if (why != null && !batch.mayBeDropped(i)) {
                faults.ofPlacing(new IllegalStateException("decided at index " + result.index() + ", and when it was"
                        + " applied it did not hold: " + why));
                return false;
            }
        }
        return true;
    }

    private Scheduler rebuild() {
        return registry.read(Draft::scheduler);
    }

    private Scheduler scheduling() {
        var current = scheduler;
        if (current == null) {
            throw new IllegalStateException("no scheduler: this engine does not lead");
        }
        return current;
    }
}
