package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out units' steps in batches: one fetch, one installation, one removal, one note in the journal for all units that
 * are at that step; starts go in slices, see {@link Starts}. How many jobs systemd gets at once is the manager's to bound. No unit is
 * started while files of others are still on their way, so that units which name each other are all in place first. A unit that takes
 * long, or fails, delays no other. Owned by the machine's loop.
 */
final class Steps {
    private static final Logger log = LoggerFactory.getLogger(Steps.class);

    private final Loop loop;
    private final UnitManager manager;
    private final JournalNotes notes;
    private final UnitTable table;
    private final Function<Collection<UnitHash>, Map<UnitHash, CompletableFuture<UnitFile>>> contents;
    private final Waves waves = new Waves();
    private final Consumer<ManagedUnit> retryLater;
    private final Predicate<ManagedUnit> mayStart;
    /** The boot id that goes with the states that units have. */
    private final Supplier<String> boot;

    private final Set<ManagedUnit> toLookAt = new LinkedHashSet<>();
    /** Starts that wait for files. */
    private final Set<ManagedUnit> held = new LinkedHashSet<>();

    private final Starts starts;
    private boolean filing;
    private int busy;
    private boolean turnComing;

    Steps(
            Loop loop,
            UnitManager manager,
            Journal journal,
            UnitTable table,
            Function<Collection<UnitHash>, Map<UnitHash, CompletableFuture<UnitFile>>> contents,
            Consumer<ManagedUnit> retryLater,
            Predicate<ManagedUnit> mayStart,
            Supplier<String> boot) {
        this.loop = loop;
        this.manager = manager;
        this.notes = new JournalNotes(loop, journal);
        this.table = table;
        this.contents = contents;
        this.retryLater = retryLater;
        this.mayStart = mayStart;
        this.boot = boot;
        this.starts = new Starts(loop, manager::start, notes, boot, new StartsHost());
    }

    /** The unit may need a step. All that are named within one task of the loop are looked at together. */
    void look(ManagedUnit unit) {
        toLookAt.add(unit);
        comeBack();
    }

    /** The unit's journal entry has changed. */
    void save(ManagedUnit unit) {
        notes.add(unit);
        comeBack();
    }

    void forget(Collection<String> names) {
        if (!names.isEmpty()) {
            notes.forget(names);
        }
    }

    int unsettled() {
        return busy + toLookAt.size() + held.size() + starts.queued();
    }

    /** See {@link Starts#noMore}. */
    void startNoMore() {
        starts.noMore();
    }

    /** See {@link Starts#close}. */
    CompletableFuture<Void> close() {
        return starts.close();
    }

    private void comeBack() {
        if (!turnComing) {
            turnComing = true;
            loop.execute(this::turn);
        }
    }

    private void turn() {
        turnComing = false;
        Map<Planner.Step, List<ManagedUnit>> byStep = new EnumMap<>(Planner.Step.class);
        List<ManagedUnit> looked = new ArrayList<>(toLookAt);
        toLookAt.clear();
        waves.advance();
        for (ManagedUnit unit : looked) {
            if (!unit.busy && unit.retry == null) {
                Planner.Step step = Planner.next(unit, boot.get());
                if (step == Planner.Step.FETCH || step == Planner.Step.INSTALL) {
                    waves.enter(unit);
                } else {
                    leaveWave(unit);
                }
                byStep.computeIfAbsent(step, none -> new ArrayList<>()).add(unit);
            }
        }
        fetch(byStep.getOrDefault(Planner.Step.FETCH, List.of()));
        byStep.getOrDefault(Planner.Step.STOP, List.of()).forEach(this::stop);
        file(
                byStep.getOrDefault(Planner.Step.UNINSTALL, List.of()),
                byStep.getOrDefault(Planner.Step.INSTALL, List.of()));
        byStep.getOrDefault(Planner.Step.NOTE, List.of()).forEach(this::settle);
        byStep.getOrDefault(Planner.Step.REPORT_GONE, List.of()).forEach(this::gone);
        start(byStep.getOrDefault(Planner.Step.START, List.of()));
        notes.write();
    }

    private void leaveWave(ManagedUnit unit) {
        if (waves.leave(unit) && !held.isEmpty()) {
            toLookAt.addAll(held);
            held.clear();
            comeBack();
        }
    }

    private void begin(Collection<ManagedUnit> units, String step) {
        units.forEach(unit -> {
            unit.busy = true;
            unit.step(step);
        });
        busy += units.size();
    }

    /** A step has ended; the next one is chosen in the next turn, or after a while when it failed for now. */
    private void end(ManagedUnit unit, String error, boolean again) {
        unit.busy = false;
        busy--;
        unit.error = SafeText.cut(error, Limits.MESSAGE_BYTES);
        unit.stepEnded(unit.error);
        if (error.isEmpty()) {
            unit.failures = 0;
        } else {
            log.warn("{}: {}{}", unit.name, error, again ? "; trying again" : "");
        }
        if (again) {
            leaveWave(unit);
            retryLater.accept(unit);
        } else {
            look(unit);
        }
        table.refresh(unit, boot.get());
    }

    // ---- contents ----

    private void fetch(List<ManagedUnit> units) {
        if (units.isEmpty()) {
            return;
        }
        Map<UnitHash, List<ManagedUnit>> byHash = new LinkedHashMap<>();
        for (ManagedUnit unit : units) {
            if (unit.order != null) {
                byHash.computeIfAbsent(unit.order.hash(), hash -> new ArrayList<>())
                        .add(unit);
            }
        }
        begin(units, "fetch contents");
        Map<UnitHash, CompletableFuture<UnitFile>> coming = contents.apply(byHash.keySet());
        List<CompletableFuture<UnitFile>> all = List.copyOf(coming.values());
        loop.whenDone(CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new)), (none, failure) -> {
            byHash.forEach((hash, waiting) -> arrived(coming.get(hash), waiting));
            comeBack();
        });
    }

    private void arrived(@Nullable CompletableFuture<UnitFile> answer, List<ManagedUnit> units) {
        boolean there = answer != null && !answer.isCompletedExceptionally();
        for (ManagedUnit unit : units) {
            if (there && answer != null) {
                unit.file = answer.join();
                end(unit, "", false);
            } else {
                String why = answer == null ? "not sent" : reason(answer.exceptionNow());
                end(unit, "not put in place yet: " + why, true);
            }
        }
    }

    // ---- files ----

    /** One change of files at a time; a unit whose turn it is not is looked at again when that has ended. */
    private void file(List<ManagedUnit> away, List<ManagedUnit> place) {
        if (filing) {
            toLookAt.addAll(away);
            toLookAt.addAll(place);
            return;
        }
        if (!away.isEmpty()) {
            toLookAt.addAll(place);
            begin(away, "take files away");
            filing = true;
            List<String> names = away.stream().map(unit -> unit.name).toList();
            loop.whenDone(ordered(() -> manager.uninstall(names)), (none, failure) -> {
                filing = false;
                away.forEach(unit -> uninstalled(unit, failure));
                comeBack();
            });
            return;
        }
        List<ManagedUnit> batch = batch(place);
        if (batch.isEmpty()) {
            return;
        }
        begin(batch, "put files in place");
        filing = true;
        Map<String, UnitFile> files = new LinkedHashMap<>();
        Set<String> toStart = new LinkedHashSet<>();
        Set<String> ours = new LinkedHashSet<>();
        for (ManagedUnit unit : batch) {
            if (unit.done != null && unit.done.launched() && unit.done.bootId().equals(boot.get())) {
                ours.add(unit.name);
            }
            if (unit.file != null) {
                files.put(unit.name, unit.file);
            }
            if (isStartedNext(unit)) {
                toStart.add(unit.name);
            }
        }
        loop.whenDone(ordered(() -> manager.install(files, toStart, ours)), (none, failure) -> {
            filing = false;
            batch.forEach(unit -> installed(unit, files.get(unit.name), failure, batch.size() > 1));
            comeBack();
        });
    }

    /** Whether its start follows once its file is in place; one with a fence may have to wait for the machine's lease first. */
    private boolean isStartedNext(ManagedUnit unit) {
        return unit.order != null
                && unit.order.launched()
                && (unit.done == null || !unit.done.settles(unit.order, boot.get()))
                && unit.file != null
                && !Fence.applies(unit.name, unit.file.text());
    }

    /** All at once, except for one that made such a batch fail: those go by themselves, after the others. */
    private List<ManagedUnit> batch(List<ManagedUnit> place) {
        List<ManagedUnit> together =
                place.stream().filter(unit -> !unit.installAlone).toList();
        if (!together.isEmpty() || place.isEmpty()) {
            place.stream().filter(unit -> unit.installAlone).forEach(toLookAt::add);
            return together;
        }
        toLookAt.addAll(place.subList(1, place.size()));
        return place.subList(0, 1);
    }

    private void uninstalled(ManagedUnit unit, @Nullable Throwable failure) {
        String why = reason(failure, unit);
        if (why != null) {
            end(unit, "not taken away: " + why, true);
            return;
        }
        unit.installed = null;
        unit.observed = null;
        unit.file = null;
        unit.done = null;
        save(unit);
        end(unit, "", false);
    }

    private void installed(ManagedUnit unit, @Nullable UnitFile file, @Nullable Throwable failure, boolean oneOfMany) {
        String why = reason(failure, unit);
        if (why != null && unit.installed == null) {
            unit.observed = null; // Of a unit of the host's, if anything: none of fleet's is there.
        }
        if (why != null && oneOfMany) {
            unit.installAlone = true;
            end(unit, "", false);
        } else if (why != null) {
            end(unit, "not put in place: " + why, true);
        } else {
            unit.installAlone = false;
            unit.installed = file == null ? null : file.hash();
            unit.fenced = file != null && Fence.applies(unit.name, file.text());
            unit.file = null;
            end(unit, "", false);
        }
    }

    private void gone(ManagedUnit unit) {
        unit.gone = true;
        unit.error = "";
        table.reportGone(unit);
        save(unit);
    }

    // ---- jobs ----

    private void stop(ManagedUnit unit) {
        begin(List.of(unit), "stop by systemd");
        if (unit.removing && unit.done != null) {
            // It may be ordered back, by the order that was carried out, before it is taken away: then it is to start
            // again.
            unit.done = null;
            save(unit);
        }
        Order order = unit.order;
        boolean toStart = order != null && order.launched() && unit.isInstalled(order.hash());
        loop.whenDone(ordered(() -> manager.stop(unit.name)), (none, failure) -> {
            if (failure == null) {
                unit.stoppedFor = toStart ? order : null;
                unit.mayRun = false;
                unit.stopped = true;
                unit.startComing = false;
                end(unit, "", false);
            } else {
                end(unit, "not stopped: " + reason(failure), true);
            }
        });
    }

    /** The order is carried out with nothing left to do. */
    private void settle(ManagedUnit unit) {
        if (unit.order != null) {
            unit.done = new Done(
                    unit.order.hash(), unit.order.launched(), unit.order.generation(), boot.get(), Done.Phase.ISSUED);
            save(unit);
            table.refresh(unit, boot.get());
        }
    }

    private void start(List<ManagedUnit> ready) {
        for (ManagedUnit unit : ready) {
            if (!mayStart.test(unit)) {
                continue; // It is looked at again when that changes.
            }
            if (waves.mayStart(unit)) {
                starts.add(unit);
            } else {
                held.add(unit);
            }
        }
        starts.next();
    }

    /** What starts need, on the loop. */
    private final class StartsHost implements Starts.Host {
        @Override
        public boolean isNext(ManagedUnit unit) {
            boolean still = !unit.busy
                    && unit.retry == null
                    && Planner.next(unit, boot.get()) == Planner.Step.START
                    && mayStart.test(unit);
            if (!still) {
                look(unit);
                return false;
            }
            if (!waves.mayStart(unit)) {
                held.add(unit);
                return false;
            }
            waves.started(unit);
            return true;
        }

        @Override
        public void begin(Collection<ManagedUnit> units, String step) {
            Steps.this.begin(units, step);
        }

        @Override
        public void save(ManagedUnit unit) {
            Steps.this.save(unit);
        }

        @Override
        public void end(ManagedUnit unit, String error, boolean again) {
            Steps.this.end(unit, error, again);
        }

        @Override
        public void comeBack() {
            Steps.this.comeBack();
        }
    }

    /** An order to a manager; one that throws fails like one whose future does. */
    static CompletableFuture<Void> ordered(Supplier<CompletableFuture<Void>> order) {
        try {
            return order.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Why an order for several units failed for this one; null when it did not. */
    private static @Nullable String reason(@Nullable Throwable failure, ManagedUnit unit) {
        if (failure == null) {
            return null;
        }
        return unwrap(failure) instanceof UnitManagerException e ? e.reasonFor(unit.name) : reason(failure);
    }

    static String reason(Throwable failure) {
        Throwable cause = unwrap(failure);
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    static Throwable unwrap(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
