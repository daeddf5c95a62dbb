package io.raftfleet.engine.control;

import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.StatesReported;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.MemoryUse;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
 * <p>The queue and the scheduler belong to the decision thread; others reach them through the queue.
 */
public final class Controller implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Controller.class);

    /** After this long without an answer from the log an entry's fate is unknown. */
    private static final Duration PROPOSAL_DEADLINE = Duration.ofSeconds(10);

    private static final int PLACEMENTS_A_STEP = 256;

    /** Proposes an entry; completes when it has been applied here. */
    @FunctionalInterface
    public interface Proposer {
        CompletableFuture<ApplyResult> propose(Entry entry, Duration deadline);
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
    private final Proposer proposer;
    private final InstantSource clock;
    private final RandomGenerator random;
    private final LeadershipListener listener;
    private final DecisionMetrics metrics;
    private final LongSupplier quota;
    private final @Nullable Beginning beginning;
    private final WorkQueue queue = new WorkQueue();
    private final Thread thread;
    private @Nullable Scheduler scheduler;
    private volatile boolean closed;

    public Controller(
            String engineId,
            Registry registry,
            Proposer proposer,
            InstantSource clock,
            RandomGenerator random,
            LeadershipListener listener,
            DecisionMetrics metrics) {
        this(engineId, registry, proposer, clock, random, listener, metrics, () -> Long.MAX_VALUE, null);
    }

    /**
     * A controller; {@link #start} makes it work.
     *
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
            LongSupplier quota,
            @Nullable Beginning beginning) {
        this.quota = quota;
        this.beginning = beginning;
        this.engineId = engineId;
        this.registry = registry;
        this.proposer = proposer;
        this.clock = clock;
        this.random = random;
        this.listener = listener;
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
        queue.offer(call, WorkQueue.Lane.CLIENTS);
        return call.reply();
    }

    /** Opens a machine's session; completes with its epoch, once it is committed. */
    public CompletableFuture<Long> openSession(SessionOpened session) {
        var work = new AgentWork.SessionOpen(session);
        queue.offer(work, WorkQueue.Lane.AGENTS);
        return work.epoch();
    }

    /** Takes a machine's report; completes once it is committed. */
    public CompletableFuture<Void> report(StatesReported report) {
        var work = new AgentWork.Report(report);
        queue.offer(work, WorkQueue.Lane.AGENTS);
        return work.committed();
    }

    /** A machine was not heard for its TTL; false when too much is queued, or this engine does not lead. */
    public boolean silent(String machineId, long sessionEpoch, String reason) {
        return queue.offer(new AgentWork.Silence(machineId, sessionEpoch, reason), WorkQueue.Lane.AGENTS);
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
        queue.offer(work, WorkQueue.Lane.CLIENTS);
        return work.done();
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
        queue.offer(question, WorkQueue.Lane.CLIENTS);
        return question.answer();
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
                log.error("the decision thread failed on engine {}; it begins anew from what is applied", engineId, e);
            }
        }
        queue.abandonAll("engine " + engineId + " is stopping");
    }

    /**
     * Leads a term until it is over or a decision's fate is unknown.
     *
     * @param again whether an earlier decision of this term may yet be committed: it has to be settled first. At the start of a
     *     term Raft has applied all there is
     */
    private void lead(long term, boolean again) throws InterruptedException {
        try {
            boolean settled = !again && registry.read(RegistryView::incarnation) != 0;
            if (!settled && !barrier(term)) {
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
            if (!queue.leads(term)) {
                queue.abandonAll("engine " + engineId + " leads no longer");
            }
        }
    }

    /** Commits an entry, so that all that went before has been applied or never will be; and creates the cluster if need be. */
    private boolean barrier(long term) throws InterruptedException {
        var records = new ArrayList<Record>();
        records.add(Record.newBuilder()
                .setLeaderStarted(LeaderStarted.newBuilder().setEngineId(engineId))
                .build());
        if (beginning == null) {
            records.add(Record.newBuilder()
                    .setClusterCreated(ClusterCreated.newBuilder().setIncarnation(random.nextLong() | 1))
                    .build());
        }
        for (int attempt = 0; queue.leads(term); attempt++) {
            if (propose(entry(records)) != null && begun()) {
                return true;
            }
            queue.pause(term, Math.min(1000, 20L << Math.min(attempt, 6)) + random.nextInt(20));
        }
        return false;
    }

    /** Whether the cluster exists. Fills the registry first, if it is empty and not to be a new cluster's. */
    private boolean begun() throws InterruptedException {
        if (registry.read(RegistryView::incarnation) != 0) {
            return true;
        }
        if (beginning == null) {
            log.error(
                    "engine {}: the registry is half restored; restart all engines with --restore-from-etcd or"
                            + " --restore-from-backup, as they began it, so that they complete it",
                    engineId);
            return false;
        }
        try {
            var entries = beginning.entries();
            var full = budget().take(
                            "the registry that is to be restored",
                            entries.stream()
                                    .flatMap(List::stream)
                                    .mapToLong(MemoryUse::ofRestored)
                                    .sum());
            if (full != null) {
                log.error("engine {} can't restore the cluster, and tries again: {}", engineId, full);
                return false;
            }
            for (var records : entries) {
                if (propose(entry(records)) == null) {
                    return false;
                }
            }
            return true;
        } catch (BeginningException e) {
            log.error("engine {} can't restore the cluster, and tries again: {}", engineId, e.getMessage());
            return false;
        }
    }

    private Budget budget() {
        return new Budget(registry.read(view -> view.memory().held()), quota.getAsLong());
    }

    private Entry entry(List<Record> records) {
        return Entry.newBuilder()
                .setFormat(EntryFormats.needed(records))
                .setLeaderTimeMs(clock.millis())
                .setProposal(random.nextLong())
                .addAllRecords(records)
                .build();
    }

    /** Decides and commits one entry; false when its fate is unknown. */
    private boolean step(long term) throws InterruptedException {
        var decider = scheduling();
        if (!decider.hasWork()) {
            queue.awaitWork(term);
        }
        if (!queue.leads(term)) {
            return true; // what waits now was meant for the next term
        }
        long start = System.nanoTime();
        var batch = new Batch();
        var draft = new Draft(registry, decider, budget());
        long now = Math.max(clock.millis(), registry.read(view -> view.clockMs()));
        List<Work> decided = queue.decide(batch, draft, now);
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
        if (batch.isEmpty()) {
            return true;
        }
        ApplyResult result = propose(batch.entry(now, random.nextLong()));
        if (result == null) {
            decided.forEach(work -> work.abandon(
                    true,
                    "engine " + engineId
                            + " can't tell whether the write was committed: it lost touch with the others"));
            metrics.failed(scheduled, unscheduled);
            return false;
        }
        metrics.decided(scheduled, unscheduled, Duration.ofNanos(System.nanoTime() - start));
        decided.forEach(work -> work.applied(result));
        queue.putBack(decided);
        return sound(batch, result);
    }

    /** Whether all was applied as decided. A repeated request aside, nothing else may be dropped. */
    private boolean sound(Batch batch, ApplyResult result) {
        for (int i = 0; i < result.dropped().size(); i++) {
            var why = result.dropped().get(i);
            if (why != null && !batch.mayBeDropped(i)) {
                log.warn(
                        "a decision of engine {} did not hold when it was applied at index {}: {}; deciding anew from"
                                + " what is applied",
                        engineId,
                        result.index(),
                        why);
                return false;
            }
        }
        return true;
    }

    private @Nullable ApplyResult propose(Entry entry) throws InterruptedException {
        try {
            return proposer.propose(entry, PROPOSAL_DEADLINE)
                    .get(PROPOSAL_DEADLINE.toMillis() + 1000, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            log.info("engine {} could not commit an entry: {}", engineId, String.valueOf(e.getCause()));
        } catch (TimeoutException e) {
            log.warn("engine {} got no answer from its log within {}", engineId, PROPOSAL_DEADLINE);
        }
        return null;
    }

    private Scheduler rebuild() {
        var fresh = new Scheduler();
        registry.read(view -> {
            view.machines().values().forEach(machine -> Draft.put(machine, fresh));
            for (var unit : view.units().values()) {
                if (!Templates.isTemplate(unit.name())) {
                    fresh.putUnit(unit.name(), view.requirements(unit), unit.target(), unit.machineId());
                }
            }
            return fresh;
        });
        return fresh;
    }

    private Scheduler scheduling() {
        var current = scheduler;
        if (current == null) {
            throw new IllegalStateException("no scheduler: this engine does not lead");
        }
        return current;
    }
}
