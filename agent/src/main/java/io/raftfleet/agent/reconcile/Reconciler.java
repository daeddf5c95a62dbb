package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Backoff;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.BootIds;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.agent.session.ContentsStore;
import io.raftfleet.agent.session.ReportQueue;
import io.raftfleet.agent.session.SessionHandler;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.DigestRequest;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.UnitTrace;
import io.raftfleet.proto.agent.Welcome;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a machine run what the cluster ordered. Owns the orders and what was done of them; the machine's loop is its one
 * thread. It acts when an order changes, when a step ends, and at the agent's start: nothing is periodic, nothing happens
 * because engines are away, and a unit that failed is systemd's to restart.
 *
 * <p>Orders kept from an earlier process are carried out only once an engine has confirmed them: the machine may have been
 * counted as lost meanwhile, and its units moved. So are those of an earlier life of the registry: it was restored, and has
 * units where an older backup has them.
 */
public final class Reconciler implements SessionHandler, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Reconciler.class);

    private static final Duration RETRY_FIRST = Duration.ofMillis(200);
    private static final Duration RETRY_LIMIT = Duration.ofSeconds(30);
    /** How long an agent's end waits for its loop. */
    private static final Duration LAST_NOTES = Duration.ofSeconds(2);

    private final Loop loop;
    private final UnitManager manager;
    private final Journal journal;
    private final ContentsStore contents;
    private final RandomGenerator random;
    private final UnitTable table;
    private final Steps steps;
    private final Fences fences;
    /** Null where traces are off. */
    private final @Nullable OrderTraces traces;

    /** Of the states that the manager told last. */
    private String bootId;

    private boolean allConfirmed;
    /** Of the last session; 0 before the first. */
    private long incarnation;
    /** What answers to inventories have named as held, until the last of them has come. */
    private final Set<String> heldBack = new HashSet<>();
    /** Whether an engine has said in this session what the machine is to run. */
    private boolean ordersKnown;

    /** The same without traces. */
    public Reconciler(
            Loop loop,
            UnitManager manager,
            Journal journal,
            ReportQueue reports,
            ContentsStore contents,
            Function<List<UnitHash>, Map<UnitHash, CompletableFuture<UnitFile>>> fetch,
            RandomGenerator random) {
        this(loop, manager, journal, reports, contents, fetch, random, null);
    }

    /**
     * A reconciler that does nothing until {@link #start}.
     *
     * @param loop the machine's
     * @param reports where changed states go
     * @param contents files that are here already
     * @param fetch asks the leader for contents, at once a future a hash; called on the loop
     * @param traces of orders; null for none
     */
    public Reconciler(
            Loop loop,
            UnitManager manager,
            Journal journal,
            ReportQueue reports,
            ContentsStore contents,
            Function<List<UnitHash>, Map<UnitHash, CompletableFuture<UnitFile>>> fetch,
            RandomGenerator random,
            @Nullable OrderTraces traces) {
        this.loop = loop;
        this.manager = manager;
        this.journal = journal;
        this.contents = contents;
        this.random = random;
        this.traces = traces;
        this.bootId = manager.bootId();
        this.table = new UnitTable(reports);
        this.fences = new Fences(loop, manager, table, this::lookAt, new Backoff(RETRY_FIRST, RETRY_LIMIT, random));
        this.steps = new Steps(
                loop,
                manager,
                journal,
                table,
                hashes -> contents.get(hashes, fetch),
                this::retryLater,
                fences::admits,
                () -> bootId);
    }

    /**
     * Takes over what is on the machine: reads the journal and the units in place, then all states, trying until the manager
     * answers.
     *
     * @param ready called on the loop when the machine's state is known; a session makes sense from then on
     */
    public void start(Runnable ready) {
        Map<String, UnitFile> installed = manager.installed();
        List<JournalEntry> noted = journal.load();
        loop.execute(() -> {
            noted.forEach(this::restore);
            installed.forEach((name, file) -> {
                ManagedUnit unit = table.findOrAdd(name);
                unit.installed = contents.keep(file).hash();
                unit.fenced = Fence.applies(name, file.text());
            });
            table.all().forEach(table::assignmentChanged);
            manager.subscribe(new StateInbox(loop, this::relisted, this::changed, this::startEnded));
            readStates(ready, new Backoff(RETRY_FIRST, RETRY_LIMIT, random));
        });
    }

    private void restore(JournalEntry entry) {
        ManagedUnit unit = table.findOrAdd(entry.name());
        unit.order = entry.order();
        unit.removing = entry.removing();
        unit.done = entry.done();
    }

    private void readStates(Runnable ready, Backoff backoff) {
        loop.whenDone(manager.states(), (states, failure) -> {
            if (failure != null) {
                Duration wait = backoff.next();
                log.warn(
                        "the states of this machine's units can't be read yet, next try in {} ms: {}",
                        wait.toMillis(),
                        Steps.reason(failure));
                loop.schedule(wait, () -> readStates(ready, backoff));
                return;
            }
            takeOver(states);
            ready.run();
        });
    }

    private void takeOver(Map<String, ObservedState> states) {
        bootId = manager.bootId();
        for (ManagedUnit unit : table.all()) {
            unit.observed = states.get(unit.name);
            Done done = unit.done;
            if (done != null && !done.bootId().equals(bootId) && BootIds.mayBe(done.bootId(), bootId)) {
                done = done.inBoot(bootId); // Noted by an agent that knew no more; once.
                unit.done = done;
                steps.save(unit);
            }
            resolveIntent(unit);
            giveUpIntent(unit);
        }
        log.info(
                "took over {} units, {} of them running",
                table.all().size(),
                table.all().stream().filter(ManagedUnit::observedRunning).count());
        table.all().forEach(unit -> {
            table.refresh(unit, bootId);
            steps.look(unit);
        });
    }

    /**
     * Whether nobody knows what became of the unit's start: an earlier process may have ended, or the connection to systemd, between noting
     * it and hearing that the job was accepted.
     */
    private boolean isIntent(ManagedUnit unit) {
        return !unit.busy
                && unit.order != null
                && unit.done != null
                && unit.done.phase() == Done.Phase.INTENDED
                && unit.done.settles(unit.order, bootId);
    }

    /** Where the unit's state shows that its start was carried out, that is known from now on. */
    private void resolveIntent(ManagedUnit unit) {
        boolean ran = unit.observedRunning() || (unit.observedFailed() && !unit.failedBefore);
        if (ran && unit.done != null && isIntent(unit)) {
            unit.done = unit.done.in(Done.Phase.ISSUED);
            unit.error = "";
            steps.save(unit);
        }
    }

    /**
     * All states are known, and none shows what became of the unit's start. Should it be one that the fence has stopped and that has not begun
     * since, it starts all the same once the lease is held.
     */
    private void giveUpIntent(ManagedUnit unit) {
        if (isIntent(unit)) {
            unit.mayRun = false;
            unit.error =
                    "not started again: the agent, or its connection to systemd, ended while it was starting it, and it may have"
                            + " run already; restart it if it should run";
        }
    }

    // ---- what the manager tells ----

    private void changed(String name, ObservedState state) {
        ManagedUnit unit = table.find(name);
        if (unit != null) {
            observe(unit, state);
        }
    }

    private void startEnded(String name) {
        ManagedUnit unit = table.find(name);
        if (unit != null) {
            unit.startComing = false;
            table.refresh(unit, bootId);
        }
    }

    private void relisted(Map<String, ObservedState> all) {
        String boot = manager.bootId();
        boolean rebooted = !boot.equals(bootId);
        bootId = boot;
        log.info("the unit manager told all {} states anew{}", all.size(), rebooted ? ", after another boot" : "");
        for (ManagedUnit unit : table.all()) {
            unit.mayRun &= !rebooted;
            unit.startComing = false;
            observe(unit, all.get(unit.name));
            giveUpIntent(unit);
            table.refresh(unit, bootId);
            steps.look(unit);
        }
    }

    private void observe(ManagedUnit unit, @Nullable ObservedState state) {
        unit.observed = state;
        unit.failedBefore &= unit.observedFailed();
        unit.startComing &= state != null && !state.activeState().equals("active");
        if (state != null && !state.activeState().equals("deactivating") && ManagedUnit.isRunning(state)) {
            unit.stopped = false;
        }
        resolveIntent(unit);
        table.refresh(unit, bootId);
        if (!unit.observedRunning()) {
            fences.down(unit);
        }
    }

    private void lookAt(ManagedUnit unit) {
        steps.look(unit);
    }

    // ---- what the engine tells ----

    @Override
    public void describe(Hello.Builder hello) {
        hello.setBootId(BootIds.kernel(manager.bootId()))
                .setAssignmentsDigest(table.assignmentsDigest())
                .setStatesDigest(table.statesDigest())
                .setUnits(table.assignedCount());
    }

    @Override
    public void opened(Welcome welcome) {
        heldBack.clear();
        if (incarnation != 0 && incarnation != welcome.getIncarnation()) {
            allConfirmed = false;
            table.all().forEach(unit -> unit.confirmed = false);
        }
        incarnation = welcome.getIncarnation();
        if (welcome.getAssignmentsMatch()) {
            ordersKnown = true;
            standBy(unit -> true);
            confirmAllBut(Set.of());
        }
        // What waits for contents need not wait any longer.
        table.all().forEach(unit -> {
            if (unit.retry != null) {
                unit.cancelRetry();
                steps.look(unit);
            }
        });
    }

    @Override
    public void closed() {
        ordersKnown = false;
        table.all().forEach(unit -> unit.ordered = false);
    }

    private void confirmAllBut(Set<String> held) {
        if (!allConfirmed) {
            allConfirmed = held.isEmpty();
            confirm(unit -> !held.contains(unit.name));
        }
    }

    @Override
    public void leaseHeld(long untilNanos) {
        fences.renewed(untilNanos, ordersKnown);
    }

    /** The engine has said that it orders just what these units were ordered to do. */
    private void standBy(Predicate<ManagedUnit> which) {
        for (ManagedUnit unit : table.all()) {
            if (unit.order != null && !unit.ordered && which.test(unit)) {
                unit.ordered = true;
                if (unit.fenced) {
                    steps.look(unit);
                }
            }
        }
    }

    private void confirm(Predicate<ManagedUnit> which) {
        for (ManagedUnit unit : table.all()) {
            if (!unit.confirmed && which.test(unit)) {
                unit.confirmed = true;
                steps.look(unit);
            }
        }
    }

    @Override
    public void apply(AssignmentDelta delta) {
        delta.getSetList().forEach(this::order);
        delta.getRemoveList().forEach(this::remove);
        delta.getOrphansList().forEach(this::orphan);
        delta.getHeldList().forEach(this::hold);
        if (traces != null) {
            delta.getTracesList().forEach(trace -> follow(traces, trace));
        }
        if (delta.getAnswersInventory()) {
            ordersKnown = true;
            confirmAllBut(Set.copyOf(heldBack));
            heldBack.clear();
        }
    }

    private void follow(OrderTraces with, UnitTrace trace) {
        ManagedUnit unit = table.find(trace.getName());
        // What is carried out already has nothing left to be followed.
        if (unit != null && !unit.gone && (unit.reported == null || unit.reported.getPending())) {
            with.follow(unit, trace);
        }
    }

    /** What runs of it goes on; what does not is started on another word than that it was to run once. */
    private void hold(String name) {
        heldBack.add(name);
        ManagedUnit unit = table.find(name);
        if (unit != null && !unit.removing) {
            unit.confirmed = false;
            unit.ordered = false;
            allConfirmed = false;
        }
    }

    private void order(AssignedUnit assigned) {
        Order order;
        try {
            order = Order.of(assigned);
        } catch (IllegalArgumentException e) {
            log.error(
                    "an order for {} was ignored: {}; engine and agent may be of different versions",
                    assigned.getName(),
                    e.getMessage());
            return;
        }
        ManagedUnit unit = table.findOrAdd(assigned.getName());
        boolean same = order.equals(unit.order) && !unit.gone;
        unit.confirmed = true;
        unit.ordered = true;
        if (!same) {
            unit.order = order;
            unit.removing = false;
            unit.gone = false;
            unit.orphan = false;
            fresh(unit);
        }
        steps.look(unit);
    }

    private void remove(String name) {
        ManagedUnit unit = table.findOrAdd(name);
        unit.confirmed = true;
        unit.ordered = false;
        if (!unit.removing) {
            unit.removing = true;
            unit.order = null;
            unit.orphan = false;
            fresh(unit);
        } else if (unit.gone) {
            table.reportGone(unit);
        }
        steps.look(unit);
    }

    private void orphan(String name) {
        ManagedUnit unit = table.find(name);
        if (unit == null || unit.gone || unit.removing || unit.orphan) {
            return;
        }
        log.warn("{} is on this machine but the cluster does not know it: it is left as it is, as an orphan", name);
        unit.orphan = true;
        unit.order = null;
        fresh(unit);
    }

    /** Another order: what went wrong with the one before is of no interest any more. */
    private void fresh(ManagedUnit unit) {
        unit.traceEnds("overtaken by a later order");
        unit.error = "";
        unit.failures = 0;
        unit.installAlone = false;
        unit.cancelRetry();
        table.assignmentChanged(unit);
        table.refresh(unit, bootId);
        steps.save(unit);
    }

    private void retryLater(ManagedUnit unit) {
        unit.cancelRetry();
        Duration wait = Backoff.delay(RETRY_FIRST, RETRY_LIMIT, unit.failures, random);
        unit.failures++;
        unit.retry = loop.schedule(wait, () -> {
            unit.retry = null;
            steps.look(unit);
        });
    }

    /** How many units are in each active state of systemd's. To be called on the loop. */
    public Map<String, Integer> activeStates() {
        return table.activeStates();
    }

    /** How often a unit was seen to wait for systemd to start it again. To be called on the loop. */
    public long restarts() {
        return table.restarts();
    }

    @Override
    public BucketDigests digests(DigestRequest request) {
        return table.digests(request);
    }

    @Override
    public List<AssignedUnit> inventory(Collection<Integer> buckets) {
        Set<Integer> differing = new HashSet<>(buckets);
        standBy(unit -> !differing.contains(Digest.bucket(unit.name)));
        confirm(unit -> !differing.contains(Digest.bucket(unit.name)));
        ordersKnown |= differing.isEmpty();
        return table.inventory(buckets);
    }

    @Override
    public List<UnitState> states(Collection<Integer> buckets) {
        return table.states(buckets);
    }

    @Override
    public void goneCommitted(Collection<String> names) {
        List<String> forgotten = new ArrayList<>();
        for (String name : names) {
            ManagedUnit unit = table.find(name);
            if (unit != null && unit.gone) {
                table.forget(unit);
                forgotten.add(name);
            }
        }
        steps.forget(forgotten);
    }

    /**
     * Lets go of the manager and the journal. No more starts are begun, and what becomes of those that systemd has been asked for is noted if it
     * answers soon. Those that it was not asked for are taken back in the journal, so that the next agent does them. Not to be called on the
     * loop, for which it waits.
     */
    @Override
    public void close() {
        loop.execute(steps::startNoMore);
        manager.close();
        var noted = new CompletableFuture<Void>();
        loop.execute(() -> loop.whenDone(steps.close(), (none, failure) -> noted.complete(null)));
        try {
            noted.get(LAST_NOTES.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException late) {
            log.warn(
                    "what became of the last starts could not be noted within {} s; some may have to be restarted by hand",
                    LAST_NOTES.toSeconds());
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
        journal.close();
    }

    /** Steps that are under way, and units that wait for one; 0 once everything is as ordered or waits for a retry. */
    public int unsettled() {
        return steps.unsettled();
    }
}
