package io.raftfleet.engine.control;

import com.google.common.util.concurrent.MoreExecutors;
import io.raftfleet.engine.trace.WriteTrace;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.raft.EngineClocks;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Takes what is to be decided, hands it to the one thread that decides while this engine leads ({@link DecisionLoop}), and tells what
 * came of it. Nobody is answered on that thread, but by the executor of replies. Safe for use by any thread.
 */
public final class Controller implements AutoCloseable {
    /** Reports that wait take at most this part of the heap as bytes, and a few times that as objects. */
    private static final int REPORTS_SHARE = 32;

    /** Units in one question why they can't be placed: each takes time for each machine, and all else waits for it. */
    private static final int EXPLAINED_AT_ONCE = 32;

    /** The log, as a leader writes it. */
    public interface Proposer {
        /** Proposes an entry; completes when it has been applied here. */
        CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline);

        /** Newest format of entries that all engines read, as far as is known. Must be quick: asked before each entry. */
        int agreedFormat();

        /** What the clocks of all engines show, as far as is known. Must be quick: asked before each entry. */
        default EngineClocks clocks() {
            return EngineClocks.ALONE;
        }
    }

    /**
     * What decisions are made on, and with.
     *
     * @param engineId of this engine, for records and messages
     * @param registry what is applied
     * @param proposer writes what was decided
     * @param clock stamps entries
     * @param random makes what must not be foreseen or repeated
     */
    public record Inputs(
            String engineId, Registry registry, Proposer proposer, InstantSource clock, RandomGenerator random) {}

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

    private final Registry registry;
    private final Proposer proposer;
    private final Executor replies;
    /**
     * For agents: the acknowledgement of a report says that those before it are committed too, so that it may not overtake the word
     * that one of them is not.
     */
    private final Executor repliesInOrder;

    private final WorkQueue queue = new WorkQueue(Runtime.getRuntime().maxMemory() / REPORTS_SHARE, System::nanoTime);
    private final DecisionLoop decisions;
    private final Thread thread;

    /** A controller of a new cluster whose registry may take all there is; {@link #start} makes it work. */
    public Controller(Inputs inputs, LeadershipListener listener, DecisionMetrics metrics, Executor replies) {
        this(inputs, listener, metrics, replies, () -> Long.MAX_VALUE, null);
    }

    /**
     * A controller; {@link #start} makes it work.
     *
     * @param replies completes the futures that are handed out, so that who acts on them holds up no decision
     * @param quota how many bytes of the heap the registry may take, now
     * @param beginning of a cluster that is not new; null to create one where there is none
     */
    public Controller(
            Inputs inputs,
            LeadershipListener listener,
            DecisionMetrics metrics,
            Executor replies,
            LongSupplier quota,
            @Nullable Beginning beginning) {
        this.registry = inputs.registry();
        this.proposer = inputs.proposer();
        this.replies = replies;
        this.repliesInOrder = MoreExecutors.newSequentialExecutor(replies);
        this.decisions = new DecisionLoop(inputs, queue, listener, metrics, quota, beginning);
        this.thread = Thread.ofPlatform().name("decisions").unstarted(decisions);
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
        var call = new WriteCall(registry, id, requestDigest, items, WriteTrace.ofCall());
        queue.offer(call);
        return told(call.reply(), replies);
    }

    /** What a client's writes would do. The same failures. */
    CompletableFuture<PlanResponse> plan(PlanWork.Asked asked) {
        var work = new PlanWork(registry, asked, System::nanoTime);
        queue.offer(work);
        return told(work.answer(), replies);
    }

    /** Opens a machine's session; completes with its epoch, once it is committed. */
    public CompletableFuture<Long> openSession(SessionOpened session) {
        var work = new AgentWork.SessionOpen(session);
        queue.offer(work);
        return told(work.epoch(), repliesInOrder);
    }

    /**
     * Takes what a machine turned out to have, though the registry has it elsewhere; nothing more is awaited of that machine then.
     * Completes once it is committed, or the session is over.
     */
    public CompletableFuture<Void> told(String machineId, long sessionEpoch, List<String> found) {
        var work = new ToldWork(machineId, sessionEpoch, found);
        queue.offer(work);
        return told(work.done(), repliesInOrder);
    }

    /**
     * Takes a machine's report; completes once it is committed.
     *
     * @param urgency whether it may wait for other reports while entries are slow
     */
    public CompletableFuture<Void> report(StatesReported report, Urgency urgency) {
        var work = new AgentWork.Report(report, urgency);
        queue.offer(work);
        return told(work.committed(), repliesInOrder);
    }

    /** How much waits to be decided, by lane: "clients" and "agents". */
    public Map<String, Integer> waiting() {
        return Map.of(
                "clients", queue.waiting(WorkQueue.Lane.CLIENTS),
                "agents", queue.waiting(WorkQueue.Lane.AGENTS));
    }

    /** Whether so many reports wait that each agent had better send one at a time. */
    public boolean crowded() {
        return queue.crowded();
    }

    /**
     * A machine was not heard for its TTL; false when too much is queued, or this engine does not lead.
     *
     * @param fenceOver whether the time is over, too, in which it may run units that must never run twice. If not, those are waited for
     *     alone; or the whole machine, while not all engines read that: then it is to be said again
     */
    public boolean silent(String machineId, long sessionEpoch, String reason, boolean fenceOver) {
        return queue.offer(new AgentWork.Silence(machineId, sessionEpoch, reason, fenceOver));
    }

    /** A machine that is lost can't run units any more that must never run twice. The same answer. */
    public boolean fenceOver(String machineId, long sessionEpoch) {
        return queue.offer(new AgentWork.FenceEnd(machineId, sessionEpoch));
    }

    /** Has machines that are drained, and rollouts, looked after: time has passed. To be called about once a second while there are any. */
    public void drainsGoOn() {
        var unused = queue.offer(new AgentWork.DrainsGoOn());
    }

    /** Whether units that must never run twice can be waited for alone when their machine is lost. */
    public boolean writesFences() {
        return proposer.agreedFormat() >= EntryFormats.WITH_FENCES;
    }

    /** Has an orphan stopped and removed by its machine; completes once that is committed. */
    public CompletableFuture<Void> dropOrphan(String machineId, String name) {
        return settle(new OrphanWork(machineId, name, null));
    }

    /** Makes an orphan a unit that is where it runs, as it runs; completes once that is committed. */
    public CompletableFuture<Void> adoptOrphan(String machineId, Submission unit, TargetState target) {
        return settle(new OrphanWork(machineId, unit.name(), new OrphanWork.Adoption(unit, target)));
    }

    /**
     * Has a record written that no decision goes by; completes once it is applied, with the reason when it did not hold.
     *
     * @param what it is, for the log
     */
    public CompletableFuture<Optional<String>> record(Record record, String what) {
        var work = new RecordWork(record, what);
        queue.offer(work);
        return told(work.done(), replies);
    }

    /** Changes while the decision thread makes progress; negative while it has nothing to do. */
    public long progress() {
        return queue.progress();
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

    /**
     * Why units can't be placed, by name; a unit that is placed or wants no machine has no reasons. Looks at some at a time, and at no more
     * once the future is done, as who asked has given up.
     */
    public CompletableFuture<Map<String, List<Veto>>> explain(Collection<String> units) {
        var answer = new CompletableFuture<Map<String, List<Veto>>>();
        explain(List.copyOf(units), new TreeMap<>(), answer);
        return answer;
    }

    private void explain(
            List<String> units, Map<String, List<Veto>> reasons, CompletableFuture<Map<String, List<Veto>>> answer) {
        var some = units.subList(0, Math.min(units.size(), EXPLAINED_AT_ONCE));
        var further = units.subList(some.size(), units.size());
        var question = new Question<Map<String, List<Veto>>>(scheduling -> {
            for (var unit : some) {
                var vetoes = answer.isDone() ? List.<Veto>of() : scheduling.explain(unit);
                if (!vetoes.isEmpty()) {
                    reasons.put(unit, vetoes);
                }
            }
            return reasons;
        });
        queue.offer(question);
        var unused = told(question.answer(), replies).whenComplete((soFar, failure) -> {
            if (failure != null) {
                answer.completeExceptionally(failure);
            } else if (further.isEmpty()) {
                answer.complete(soFar);
            } else if (!answer.isDone()) {
                explain(further, soFar, answer);
            }
        });
    }

    @Override
    public void close() {
        decisions.end();
        queue.lead(0);
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
