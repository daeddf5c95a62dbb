package io.raftfleet.state;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicatedState;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the cluster knows: units, their contents and schedule, machines, unit states, departures, answered requests. Changed
 * by applying log entries alone, the same way on every engine.
 *
 * <p>One read-write lock guards all tables: the thread that applies takes it for writing, an entry at a time; readers see
 * whole entries.
 */
public final class Registry implements ReplicatedState {
    private static final Logger log = LoggerFactory.getLogger(Registry.class);

    /** Hears of each applied entry, on the thread that applies: must be quick and must not read the registry's lock for writing. */
    @FunctionalInterface
    public interface Listener {
        void applied(Applied applied);

        /**
         * {@link #applied} threw: what it says of this entry may have been missed. Whoever is told of changes through this
         * listener has to be sent to read anew.
         */
        default void missed(Applied applied) {}

        /** The registry was replaced as a whole, by one as of {@code index}. */
        default void restored(long index) {}
    }

    /**
     * An entry that has been applied.
     *
     * @param changes in order
     */
    public record Applied(long term, long index, List<Change> changes) {}

    private final ReadWriteLock lock = new ReentrantReadWriteLock();

    @GuardedBy("lock")
    private final Tables tables = new Tables();

    @GuardedBy("lock")
    private final EventWindow events;

    @GuardedBy("lock")
    private final RegistryView view;

    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    @GuardedBy("lock")
    private long appliedTerm;

    @GuardedBy("lock")
    private long appliedIndex;

    /**
     * An empty registry.
     *
     * @param eventWindow how many changes are kept for watches to resume from
     */
    public Registry(int eventWindow) {
        this(eventWindow, Long.MAX_VALUE);
    }

    /**
     * An empty registry.
     *
     * @param eventWindow how many changes are kept for watches to resume from
     * @param eventBytes how many bytes of the heap they may take, about
     */
    public Registry(int eventWindow, long eventBytes) {
        events = new EventWindow(eventWindow, eventBytes);
        view = new RegistryView(tables, events, () -> appliedIndex);
    }

    /** From the next entry on, {@code listener} hears of what is applied. */
    public void addListener(Listener listener) {
        listeners.add(listener);
    }

    /**
     * Reads between two entries. {@code read} holds up the application of entries while it runs: it must be short, take no
     * lock and let nothing of the view escape but immutable records.
     */
    public <T> T read(Function<RegistryView, T> read) {
        lock.readLock().lock();
        try {
            return read.apply(view);
        } finally {
            lock.readLock().unlock();
        }
    }

    /** What is applied, with what is about to be decided on top: for the thread that decides. */
    public Speculation speculate() {
        lock.readLock().lock();
        try {
            return new Speculation(this, tables, events, appliedIndex);
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public ApplyResult apply(long term, long index, Entry entry) {
        ApplyResult result;
        Applied applied;
        lock.writeLock().lock();
        try {
            var applier = new Applier(tables, index);
            result = new ApplyResult(index, entry.getProposal(), applier.apply(entry));
            applied = new Applied(term, index, List.copyOf(applier.changes()));
            events.add(index, applied.changes());
            appliedTerm = term;
            appliedIndex = index;
        } finally {
            lock.writeLock().unlock();
        }
        listeners.forEach(listener -> tell(listener, applied));
        return result;
    }

    /** The entry is applied, whatever a listener makes of it. */
    private static void tell(Listener listener, Applied applied) {
        try {
            listener.applied(applied);
        } catch (RuntimeException e) {
            log.error(
                    "{} failed on the changes of entry {}", listener.getClass().getName(), applied.index(), e);
            try {
                listener.missed(applied);
            } catch (RuntimeException again) {
                log.error("{} failed to begin anew", listener.getClass().getName(), again);
            }
        }
    }

    @Override
    public Capture capture() {
        lock.writeLock().lock();
        try {
            return new Capture(
                    appliedTerm,
                    appliedIndex,
                    tables.rows.takeChanged(),
                    tables.rows.digest(),
                    tables.memory(0).held());
        } finally {
            lock.writeLock().unlock();
        }
    }

    @Override
    public void restore(long term, long index, Iterator<Row> rows) {
        lock.writeLock().lock();
        try {
            events.restart(index); // what they refer to goes before what takes its place comes
            tables.restore(rows);
            appliedTerm = term;
            appliedIndex = index;
        } finally {
            lock.writeLock().unlock();
        }
        listeners.forEach(listener -> listener.restored(index));
    }

    @Override
    public boolean begun() {
        return read(RegistryView::incarnation) != 0;
    }

    @Override
    public long heapBytes() {
        lock.readLock().lock();
        try {
            return tables.memory(0).held();
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public Supplier<ByteString> digestNow() {
        lock.readLock().lock();
        try {
            return tables.rows.digest();
        } finally {
            lock.readLock().unlock();
        }
    }

    @Override
    public long appliedIndex() {
        return read(RegistryView::appliedIndex);
    }
}
