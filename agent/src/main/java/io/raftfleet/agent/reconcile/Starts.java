package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManagerException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts units in slices: those of one are noted in the journal together, and the manager is asked for each when the disk has the note. The
 * next slice begins when the manager has answered enough of those before it. Owned by the machine's loop.
 */
final class Starts {
    /**
     * Starts that the disk may know of and systemd has not answered, at most: if the agent is killed, nobody knows what has become of these.
     * Units are noted again once half of them are answered, so that the disk is asked while systemd has starts enough to be busy with.
     */
    static final int MAX = 64;

    private final Loop loop;
    private final Function<String, CompletableFuture<Void>> start;
    private final JournalNotes notes;
    /** The boot id that goes with the states that units have. */
    private final Supplier<String> boot;

    private final Host host;

    /** Starts that wait until fewer are under way. */
    private final Set<ManagedUnit> queued = new LinkedHashSet<>();

    /** Starts under way: from their note on until they are answered. */
    private int starting;

    private boolean noMore;

    /** Completes when the last start under way is answered and noted; null while the manager may be asked for more. */
    private @Nullable CompletableFuture<Void> lastNote;

    /** Who does all the steps of units. Called on the loop. */
    interface Host {
        /**
         * Whether the unit, whose turn has come, is to be started now: while it waited, its order may have changed, or systemd have started it by
         * itself. One that is not is the host's to see to.
         */
        boolean isNext(ManagedUnit unit);

        /** The step begins for these units. */
        void begin(Collection<ManagedUnit> units, String step);

        /** The unit's journal entry has changed. */
        void save(ManagedUnit unit);

        /**
         * The step has ended.
         *
         * @param error why it failed; empty when it did not
         * @param again whether it is to be tried again after a while
         */
        void end(ManagedUnit unit, String error, boolean again);

        /** There may be a next slice. */
        void comeBack();
    }

    /** @param start asks the manager to start a unit */
    Starts(
            Loop loop,
            Function<String, CompletableFuture<Void>> start,
            JournalNotes notes,
            Supplier<String> boot,
            Host host) {
        this.loop = loop;
        this.start = start;
        this.notes = notes;
        this.boot = boot;
        this.host = host;
    }

    /** The unit is to be started when its turn has come. */
    void add(ManagedUnit unit) {
        queued.add(unit);
    }

    /** How many units wait for their turn. */
    int queued() {
        return queued.size();
    }

    /** Begins no more starts, and takes back those that are being noted: the manager is not asked for them. */
    void noMore() {
        noMore = true;
    }

    /**
     * After {@link #noMore}, and once the manager is closed, which answers all that it was asked for. Completes when the starts under way are
     * answered and the journal has what came of them.
     */
    CompletableFuture<Void> close() {
        var last = new CompletableFuture<Void>();
        lastNote = last;
        noteTheLast();
        return last;
    }

    private void noteTheLast() {
        if (lastNote != null && starting == 0) {
            notes.write();
            lastNote.complete(null);
        }
    }

    /** Begins the next slice, if it is time for one. */
    void next() {
        List<ManagedUnit> units = slice();
        if (units.isEmpty()) {
            return;
        }
        starting += units.size();
        host.begin(units, "note the start on disk");
        Map<ManagedUnit, @Nullable Done> before = new LinkedHashMap<>();
        for (ManagedUnit unit : units) {
            before.put(unit, unit.done);
            if (unit.order != null) {
                unit.done = new Done(unit.order.hash(), true, unit.order.generation(), boot.get(), Done.Phase.INTENDED);
            }
            notes.add(unit);
        }
        loop.whenDone(notes.writeDurably(), (none, failure) -> {
            for (ManagedUnit unit : units) {
                if (failure == null && !noMore) {
                    issue(unit);
                    continue;
                }
                unit.done = before.get(unit);
                host.save(unit);
                host.end(unit, "not started: " + (failure == null ? "the agent ends" : Steps.reason(failure)), true);
                answered();
            }
        });
    }

    /** The next units to be started; none while it is better to wait for answers. */
    private List<ManagedUnit> slice() {
        List<ManagedUnit> units = new ArrayList<>();
        boolean many = starting + queued.size() > MAX;
        if (noMore || (many && starting > MAX / 2)) {
            return units;
        }
        var next = queued.iterator();
        while (next.hasNext() && starting + units.size() < MAX) {
            ManagedUnit unit = next.next();
            next.remove();
            if (host.isNext(unit)) {
                units.add(unit);
            }
        }
        return units;
    }

    private void answered() {
        starting--;
        noteTheLast();
        host.comeBack();
    }

    private void issue(ManagedUnit unit) {
        unit.mayRun = true;
        unit.stopped = false;
        unit.failedBefore = unit.observedFailed();
        unit.startComing = true;
        unit.step("StartUnit");
        loop.whenDone(Steps.ordered(() -> start.apply(unit.name)), (none, failure) -> {
            boolean later = failure != null && retryable(failure);
            boolean unknown = failure != null && fateUnknown(failure);
            if (later) {
                unit.done = null;
            } else if (unit.done != null && unknown) {
                unit.done = unit.done.inBoot(boot.get());
            } else if (unit.done != null) {
                unit.done = failure == null
                        ? unit.done.in(Done.Phase.ISSUED).inBoot(boot.get()) // Perhaps of a systemd begun since.
                        : unit.done.in(Done.Phase.REFUSED);
            }
            String error = "";
            if (failure != null) {
                unit.mayRun = unknown;
                unit.startComing = false;
                error = (unknown ? "whether it was started is not known: " : "not started: ") + Steps.reason(failure);
            }
            host.save(unit);
            host.end(unit, error, later);
            answered();
            if (failure == null) {
                // Until systemd tells that the job is over, and the state after it.
                unit.step("job of systemd");
            }
        });
    }

    private static boolean retryable(Throwable failure) {
        return Steps.unwrap(failure) instanceof UnitManagerException e && e.retryable();
    }

    private static boolean fateUnknown(Throwable failure) {
        return Steps.unwrap(failure) instanceof UnitManagerException e && e.fateUnknown();
    }
}
