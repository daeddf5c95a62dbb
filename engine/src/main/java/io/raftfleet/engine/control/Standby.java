package io.raftfleet.engine.control;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.engine.schedule.Upkeep;
import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the scheduler of an engine that does not lead up with what is applied, so that one that comes to lead a million units need not
 * first tell all of them to a new one. It notes names alone: what there is to say of them is read when their turn comes, so
 * that a unit that changes often costs no more than one that changes once, and nothing is noted twice.
 *
 * <p>What is noted is guarded by its own lock, which the thread that applies entries takes for a moment; the scheduler belongs to the
 * decision thread, which takes it away with {@link #takeOver}. While none is kept, nothing is noted.
 */
final class Standby implements Registry.Listener {
    /** Names told in one look at the registry: it holds up the application of entries for about a millisecond. */
    private static final int STEP = 512;

    /** Looks at units, in steps, before the scheduler is handed over: some ten milliseconds. */
    private static final int LAST_STEPS = 20;

    /** When more names than these are noted, the scheduler is made anew: about 25 MB. */
    private static final int MOST_NAMES = 200_000;

    /** For the thread that applies entries to tell what it has applied already. */
    private static final long MOST_WAIT_MS = 5_000;

    private final Registry registry;
    /** Called when there is something to be done again. Must be quick. */
    private final Runnable stir;

    private final Lock lock = new ReentrantLock();
    private final Condition heardMore = lock.newCondition();

    /** Whether a scheduler is kept, or is to be. */
    @GuardedBy("lock")
    private boolean following;

    /** Whether what the scheduler knows is of a registry that was replaced, or more was noted than is worth keeping. */
    @GuardedBy("lock")
    private boolean anew;

    @GuardedBy("lock")
    private final Set<String> machines = new LinkedHashSet<>();

    @GuardedBy("lock")
    private final Set<String> units = new LinkedHashSet<>();

    /** Index of the last entry that was noted. */
    @GuardedBy("lock")
    private long heard;

    /** The decision thread's; null while none is kept. */
    private @Nullable Scheduler scheduler;

    /** The decision thread's: units that a new scheduler was not told of yet. */
    private final Deque<String> untold = new ArrayDeque<>();

    Standby(Registry registry, Runnable stir) {
        this.registry = registry;
        this.stir = stir;
    }

    @Override
    public void applied(Registry.Applied applied) {
        boolean first;
        lock.lock();
        try {
            heard = applied.index();
            heardMore.signalAll();
            if (!following) {
                return;
            }
            first = !awaits();
            applied.changes().forEach(this::note);
            if (units.size() + machines.size() > MOST_NAMES) {
                startAnew();
            }
            first &= awaits();
        } finally {
            lock.unlock();
        }
        if (first) {
            stir.run();
        }
    }

    @Override
    public void restored(long index) {
        lock.lock();
        try {
            heard = index;
            heardMore.signalAll();
            if (!following) {
                return;
            }
            startAnew();
        } finally {
            lock.unlock();
        }
        stir.run();
    }

    /** For an engine that does not lead: brings the scheduler nearer to what is applied. Whether more is to be done at once. */
    boolean catchUp() {
        begin();
        boolean told = tell();
        var current = scheduler;
        if (current == null) {
            return told;
        }
        current.settle(STEP);
        return told || current.hasWork();
    }

    /**
     * The scheduler, told of all that is applied, for an engine that leads; it is no longer kept here. Looks at all units when
     * none was kept.
     */
    Scheduler takeOver() {
        begin();
        awaitHeard();
        while (tell()) {
            // On to the next.
        }
        lock.lock();
        try {
            following = false;
            machines.clear();
            units.clear();
        } finally {
            lock.unlock();
        }
        var taken = scheduler;
        if (taken == null) {
            throw new IllegalStateException("no scheduler is kept, though one was begun");
        }
        scheduler = null;
        for (int step = 0; step < LAST_STEPS && taken.hasWork(); step++) {
            taken.settle(STEP);
        }
        taken.takeOver();
        registry.read(applied -> {
            DrainPace.resume(applied, taken);
            return true;
        });
        return taken;
    }

    /** What is kept may be wrong: it is made anew. */
    void discard() {
        lock.lock();
        try {
            startAnew();
        } finally {
            lock.unlock();
        }
    }

    /** Makes a new scheduler when there is none, or none that will do. */
    private void begin() {
        lock.lock();
        try {
            if (following && !anew) {
                return;
            }
            following = true;
            anew = false;
            machines.clear();
            units.clear();
        } finally {
            lock.unlock();
        }
        // What is applied from here on is noted; what was is listed.
        var fresh = new Scheduler();
        scheduler = fresh;
        untold.clear();
        long listed = registry.read(applied -> {
            applied.machines().values().forEach(machine -> Draft.tell(fresh, machine));
            untold.addAll(applied.units().keySet());
            return applied.appliedIndex();
        });
        lock.lock();
        try {
            heard = Math.max(heard, listed);
        } finally {
            lock.unlock();
        }
    }

    /** Tells the scheduler of the next names. Whether there may be more. */
    private boolean tell() {
        var current = scheduler;
        if (current == null) {
            return false;
        }
        Collection<String> changedMachines;
        Collection<String> changedUnits;
        lock.lock();
        try {
            changedMachines = take(machines);
            changedUnits = take(units);
        } finally {
            lock.unlock();
        }
        while (changedUnits.size() < STEP && !untold.isEmpty()) {
            changedUnits.add(untold.remove());
        }
        if (changedMachines.isEmpty() && changedUnits.isEmpty()) {
            return false;
        }
        return registry.read(applied -> {
            changedMachines.forEach(id -> tellMachine(applied, current, id));
            changedUnits.forEach(name -> tellUnit(applied, current, name));
            return true;
        });
    }

    private static void tellMachine(RegistryView applied, Scheduler scheduler, String id) {
        var machine = applied.machine(id);
        if (machine == null) {
            scheduler.putMachine(id, Map.of(), false, Upkeep.NONE); // Lost and forgotten before its turn came.
        } else {
            Draft.tell(scheduler, machine);
        }
    }

    private static void tellUnit(RegistryView applied, Scheduler scheduler, String name) {
        var unit = applied.unit(name);
        if (unit == null) {
            scheduler.removeUnit(name);
        } else {
            Draft.tell(scheduler, unit);
        }
    }

    private static Collection<String> take(Set<String> noted) {
        var taken = new ArrayDeque<String>();
        for (Iterator<String> names = noted.iterator(); names.hasNext() && taken.size() < STEP; ) {
            taken.add(names.next());
            names.remove();
        }
        return taken;
    }

    /** The thread that applies entries tells of one just after others can see it. */
    private void awaitHeard() {
        long applied = registry.appliedIndex();
        long left = TimeUnit.MILLISECONDS.toNanos(MOST_WAIT_MS);
        lock.lock();
        try {
            while (heard < applied && !anew && left > 0) {
                left = heardMore.awaitNanos(left);
            }
            if (heard < applied) {
                anew = true; // Its listener's call is lost, so all is listed.
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            anew = true;
            return;
        } finally {
            lock.unlock();
        }
        begin();
    }

    @GuardedBy("lock")
    private void note(Change change) {
        switch (change) {
            case Change.OfUnit unit -> units.add(unit.name());
            case Change.OfMachine machine -> machines.add(machine.after().id());
            case Change.OfMachineGone gone -> {} // No unit was on it; and it was lost, which was noted.
            case Change.OfState state -> {}
            case Change.OfStateGone gone -> {}
            case Change.OfDeparture departure -> {}
            case Change.OfEvent event -> {}
        }
    }

    @GuardedBy("lock")
    private void startAnew() {
        anew = true;
        machines.clear();
        units.clear();
    }

    @GuardedBy("lock")
    private boolean awaits() {
        return anew || !machines.isEmpty() || !units.isEmpty();
    }
}
