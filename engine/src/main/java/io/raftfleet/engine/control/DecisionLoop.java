package io.raftfleet.engine.control;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.engine.schedule.Decision;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.MachineMarked;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.Speculation;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the decision thread does. One entry is in flight at a time: whatever comes meanwhile is decided next, together, on what has
 * then been applied, so that no two entries ever book the same place. When an entry's fate is unknown the leadership is begun anew:
 * first an entry that tells that everything before it has been applied or never will be, then a scheduler made from what is applied.
 *
 * <p>Who asks for something that can't be decided, or written, is refused alone: nothing of the batch is in a log then, so
 * the scheduler is made anew and all others are decided again. Errors that are no one's request, as out of memory, end the
 * process.
 *
 * <p>All but {@link #end} belongs to the decision thread.
 */
final class DecisionLoop implements Runnable {
    private static final Logger log = LoggerFactory.getLogger(DecisionLoop.class);

    private static final int PLACEMENTS_A_STEP = 256;

    /** After so many steps that placed nothing what else waits is decided: some ten milliseconds. */
    private static final int FRUITLESS_STEPS = 4;

    /**
     * An entry that takes longer than this finds processors or the disk busy. Then reports of agents gather for some times as long, so that
     * most of the time goes to others; a machine that starts hundreds of units says something new all the time.
     */
    private static final long SLOW_ENTRY_NANOS = TimeUnit.MILLISECONDS.toNanos(8);

    static final int GATHERING_TIMES = 6;
    private static final long LONGEST_GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(150);

    /**
     * After an entry with reports of more bytes than this, some twenty states, the next will have as many: machines start, or stop, units in
     * bulk. What an entry costs hardly depends on how many states it has, so reports gather for twice as long then.
     */
    private static final int BULK_BYTES = 2 << 10;

    /** So long until it looks again whether it knows what the other engines' clocks show. */
    private static final long CLOCK_PAUSE_MS = 5;

    /** An engine that does not lead lets changes gather for so long, since it is in no hurry. */
    private static final long FOLLOWING_MS = 50;

    private final String engineId;
    private final Registry registry;
    private final Committer committer;
    private final LeaderClock clock;
    private final RandomGenerator random;
    private final Controller.LeadershipListener listener;
    private final DecisionMetrics metrics;
    private final LongSupplier quota;
    private final WorkQueue queue;
    private final Barrier barrier;
    private final Faults faults;
    private final DrainPace drains = new DrainPace();
    private final Standby standby;
    private final RolloutPace rollouts = new RolloutPace();
    private @Nullable Scheduler scheduler;
    /** How long reports may gather before the next entry. */
    private long gatherNanos;
    /** Whether it is still to be written that this engine leads. */
    private boolean unannounced;
    /** Were together in an entry that can't be written: each is decided in one of its own, before all else. */
    private final Deque<Work> suspects = new ArrayDeque<>();

    private volatile boolean ended;

    /**
     * A loop for one thread.
     *
     * @param queue where work and leaderships come from
     * @param quota how many bytes of the heap the registry may take, now
     * @param beginning of a cluster that is not new; null to create one where there is none
     */
    DecisionLoop(
            Controller.Inputs inputs,
            WorkQueue queue,
            Controller.LeadershipListener listener,
            DecisionMetrics metrics,
            LongSupplier quota,
            Controller.@Nullable Beginning beginning) {
        this.engineId = inputs.engineId();
        this.registry = inputs.registry();
        this.committer = new Committer(engineId, inputs.proposer());
        this.clock = new LeaderClock(inputs, System::nanoTime);
        this.random = inputs.random();
        this.listener = listener;
        this.metrics = metrics;
        this.quota = quota;
        this.queue = queue;
        this.barrier = new Barrier(inputs, committer, queue, clock, this::budget, beginning);
        this.faults = new Faults(engineId);
        this.standby = new Standby(registry, queue::stir);
        registry.addListener(standby);
    }

    /** Makes it end, once its thread is interrupted or has nothing left to wait for. From any thread. */
    void end() {
        ended = true;
    }

    @Override
    public void run() {
        long begun = 0;
        while (!ended) {
            try {
                long term = queue.awaitLeadership();
                if (term == 0) {
                    follow();
                    continue;
                }
                boolean again = term == begun;
                begun = term;
                lead(term, again);
            } catch (InterruptedException e) {
                // Closing: the loop's condition says so.
            } catch (RuntimeException e) {
                faults.say("the decision thread failed; it begins anew from what is applied", e);
                standby.discard();
                pauseAfterFault(begun);
            }
        }
        queue.abandonAll("engine " + engineId + " is stopping");
    }

    /** While another engine leads: the scheduler is kept up with what is applied, for the time when this one does. */
    private void follow() throws InterruptedException {
        boolean more = true;
        while (more && queue.leads(0)) {
            more = standby.catchUp();
        }
        queue.pause(0, FOLLOWING_MS);
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
            if (!settled && !barrier.commit(term, again)) {
                return;
            }
            unannounced = settled; // With the first entry, which need not wait for one that says no more than this.
            forgetPace();
            clock.leading();
            scheduler = standby.takeOver();
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
            queue.stir();
            queue.putBack(List.copyOf(suspects));
            suspects.clear();
            if (!queue.leads(term)) {
                queue.abandonAll("engine " + engineId + " leads no longer");
            }
        }
    }

    /** Has a time to go by, before anything is decided: waits for what other engines' clocks show, or sets the registry's. */
    private boolean clockIsMended(long term) throws InterruptedException {
        if (clock.waits()) {
            queue.pause(term, CLOCK_PAUSE_MS);
            return true;
        }
        var correction = clock.correction();
        return correction.isEmpty() || setClock(correction.get());
    }

    /** Commits it alone, before anything is decided by the time that it sets. False when the leadership has to be begun anew. */
    private boolean setClock(Record correction) throws InterruptedException {
        boolean back = correction.getClockSet().getToMs() < clock.stamp();
        var batch = new Batch();
        batch.add(correction);
        var outcome = committer.propose(batch.entry(clock.stamp(), random.nextLong(), committer.agreedFormat()));
        if (outcome instanceof Outcome.AtFault atFault) {
            throw new IllegalStateException("the cluster's clock could not be set", atFault.cause());
        }
        // What was timed by the clock of before counts anew; and set back, marks of machines have other times.
        if (back) {
            scheduler = rebuild();
        } else {
            forgetPace();
        }
        clock.written();
        if (outcome instanceof Outcome.Applied applied && !sound(batch, applied.result())) {
            throw new IllegalStateException("the cluster's clock was not set");
        }
        return outcome instanceof Outcome.Applied;
    }

    /** What has to be written of machines that are drained; mostly there are none. */
    private List<MachineMarked> drainsGoOn(Scheduler decider) {
        if (decider.drains().isIdle()) {
            return List.of();
        }
        long now = clock.now();
        return registry.read(view -> drains.look(view, decider, now));
    }

    /** What has to be written of rollouts; mostly there are none. */
    private List<RolloutPace.Step> rolloutsGoOn() {
        if (committer.agreedFormat() < EntryFormats.WITH_ROLLOUTS) {
            return List.of();
        }
        long now = clock.now();
        return registry.read(view -> rollouts.look(view, now));
    }

    private Budget budget() {
        return new Budget(registry.read(view -> view.memory().held()), quota.getAsLong());
    }

    /** Decides and commits one entry; false when the leadership has to be begun anew. */
    private boolean step(long term) throws InterruptedException {
        if (clock.isOff()) {
            return clockIsMended(term);
        }
        var decider = scheduling();
        if (suspects.isEmpty() && queue.hasPlans() && plan(decider)) {
            return true;
        }
        var further = drainsGoOn(decider);
        var rolling = rolloutsGoOn();
        long paused = decider.hasWork()
                ? faults.pauseMillis()
                : 0; // Asked once: a pause that ends meanwhile is not for ever.
        if (suspects.isEmpty() && further.isEmpty() && rolling.isEmpty() && (!decider.hasWork() || paused > 0)) {
            queue.awaitWork(term, paused, gatherNanos);
        }
        if (!queue.leads(term)) {
            return true; // what waits now was meant for the next term
        }
        if (clock.isOff()) {
            return true;
        }
        int format = committer.agreedFormat();
        long start = System.nanoTime();
        var batch = new Batch();
        var draft = new Draft(registry, decider, budget(), format, batch);
        long now = clock.now();
        var decided = new ArrayList<Work>();
        boolean alone = !suspects.isEmpty();
        try {
            if (alone) {
                decided.add(suspects.removeFirst());
                decided.getFirst().decide(batch, draft, now);
            } else {
                queue.decide(batch, draft, now, decided);
                for (var mark : further) {
                    if (!batch.changesMuch()) { // Otherwise it is found anew for the next entry.
                        draft.further(mark).ifPresent(batch::add);
                    }
                }
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
        try {
            rollouts.decide(alone ? List.of() : rolling, batch, draft);
        } catch (Speculation.OvertakenException e) {
            log.info("engine {} decides again: {}", engineId, e.getMessage());
            startOver(decided);
            return true;
        } catch (RuntimeException | StackOverflowError e) {
            faults.say("deciding the next step of rollout " + rollouts.fault() + " failed; it is stopped", e);
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
        boolean announcing = unannounced && format >= EntryFormats.WITH_EVENTS && !alone;
        if (announcing) {
            batch.add(Record.newBuilder()
                    .setLeaderStarted(LeaderStarted.newBuilder().setEngineId(engineId))
                    .build());
        }
        var entry = batch.entry(now, random.nextLong(), format);
        decided.forEach(Work::proposing);
        return switch (committer.propose(entry)) {
            case Outcome.Applied applied -> {
                unannounced &= !announcing;
                clock.written();
                long took = System.nanoTime() - start;
                gatherNanos = gathering(
                        took,
                        decided.stream()
                                .filter(AgentWork.Report.class::isInstance)
                                .mapToLong(Work::bytes)
                                .sum());
                metrics.decided(placed.scheduled(), placed.unscheduled(), Duration.ofNanos(took));
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

    /**
     * How long reports may gather after an entry, in nanoseconds.
     *
     * @param tookNanos from its decision until it was applied
     * @param reportBytes of agents' reports in it
     */
    static long gathering(long tookNanos, long reportBytes) {
        if (tookNanos < SLOW_ENTRY_NANOS) {
            return 0;
        }
        int share = reportBytes > BULK_BYTES ? 2 : 1;
        return share * Math.min(LONGEST_GATHERING_NANOS, GATHERING_TIMES * tookNanos);
    }

    /** Tries out what is asked for, or refuses it; false when something is to be placed first. */
    private boolean plan(Scheduler decider) {
        boolean unsettled = decider.hasWork();
        boolean paused = faults.pauseMillis() > 0;
        var work = unsettled && !paused ? null : queue.takePlan();
        if (work == null) {
            return false;
        }
        if (unsettled) {
            work.refuse(Status.UNAVAILABLE
                    .withDescription(
                            "the leader has failed to place units, and will try again in a moment: nothing can be planned"
                                    + " until then; the leader's log says why it failed")
                    .asRuntimeException());
            return true;
        }
        try {
            var batch = new Batch();
            var draft = new Draft(registry, decider, budget(), committer.agreedFormat(), batch);
            var unused = work.decide(batch, draft, clock.now());
        } catch (Speculation.OvertakenException e) {
            work.abandon(false, "engine " + engineId + " can't plan now: " + e.getMessage());
            scheduler = rebuild();
        } catch (StatusRuntimeException e) {
            work.refuse(e);
        } catch (RuntimeException | StackOverflowError e) {
            refuse(work, e);
            scheduler = rebuild();
        }
        return true;
    }

    /** How many units an entry schedules, and takes off their machines. */
    private record Placed(int scheduled, int unscheduled) {
        static final Placed NOTHING = new Placed(0, 0);
    }

    private Placed place(Batch batch, Draft draft) {
        var decider = scheduling();
        int scheduled = 0;
        int unscheduled = 0;
        int fruitless = 0;
        while (!batch.full() && decider.hasWork() && fruitless < FRUITLESS_STEPS) {
            var decisions = decider.decide(PLACEMENTS_A_STEP);
            fruitless = decisions.isEmpty() ? fruitless + 1 : 0;
            for (var decision : decisions) {
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

    /** Whether all that decisions go by was applied as decided. If not, the scheduler has in mind what is not. */
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
        forgetPace();
        return registry.read(Draft::scheduler);
    }

    /** What was seen of drains and rollouts may be of what another leader, or nobody, has decided. */
    private void forgetPace() {
        drains.restart();
        rollouts.restart();
    }

    private Scheduler scheduling() {
        var current = scheduler;
        if (current == null) {
            throw new IllegalStateException("no scheduler: this engine does not lead");
        }
        return current;
    }
}
