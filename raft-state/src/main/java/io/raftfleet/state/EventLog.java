package io.raftfleet.state;

import io.raftfleet.proto.model.EventKind;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The newest of what has happened: {@value #CAPACITY} places, within {@value #MAX_BYTES} bytes of the heap. What machines say of
 * a unit, or of themselves, over and over keeps its place, comes last in the order of time, and counts; so it pushes nothing else out. Every engine that has applied the same entries has the same
 * in it. Guarded by the registry's lock.
 */
final class EventLog {
    static final int CAPACITY = 16_384;
    static final long MAX_BYTES = 8 << 20;
    /** What happens alike within so long is one event. */
    static final long ALIKE_MS = 600_000;

    private static final Set<EventKind> REPEATED = EnumSet.of(
            EventKind.EVENT_KIND_UNIT_UP,
            EventKind.EVENT_KIND_UNIT_FAILED,
            EventKind.EVENT_KIND_UNIT_DOWN,
            EventKind.EVENT_KIND_UNIT_TROUBLE,
            EventKind.EVENT_KIND_MACHINE_BACK,
            EventKind.EVENT_KIND_MACHINE_LOST,
            EventKind.EVENT_KIND_MACHINE_REBOOTED);

    /** By what those are found that happen again; whatever their details. */
    private record Alike(EventKind kind, String unit, String machineId) {
        static Alike of(LoggedEvent event) {
            return new Alike(event.kind(), event.unit(), event.machineId());
        }
    }

    private final RowLog rows;
    private final TreeMap<Long, LoggedEvent> byVersion = new TreeMap<>();
    /** The last one of each that may come again. */
    private final Map<Alike, LoggedEvent> last = new HashMap<>();

    private final BitSet taken = new BitSet(CAPACITY);
    private long bytes;
    private long forgotten;

    EventLog(RowLog rows) {
        this.rows = rows;
    }

    /** What happened after a version, oldest first. */
    Collection<LoggedEvent> after(long version) {
        return Collections.unmodifiableCollection(
                byVersion.tailMap(version, false).values());
    }

    /** Up to this version some may be missing. */
    long forgotten() {
        return forgotten;
    }

    void restoreForgotten(long version) {
        forgotten = version;
    }

    /** They must come in the order of their versions. */
    void restore(LoggedEvent event) {
        link(event);
        rows.restored(event);
    }

    void clear() {
        byVersion.clear();
        last.clear();
        taken.clear();
        bytes = 0;
        forgotten = 0;
    }

    /**
     * Adds what has just happened, with the place that it gets, and its count if it has happened before; the oldest make room.
     *
     * @param event the last in the order of versions; its place and its count are of no meaning
     */
    LoggedEvent add(LoggedEvent event) {
        rows.touch();
        var before = REPEATED.contains(event.kind()) ? last.get(Alike.of(event)) : null;
        int times = 1;
        long firstMs = event.timeMs();
        if (before != null && before.detail().equals(event.detail()) && event.timeMs() - before.timeMs() <= ALIKE_MS) {
            times = before.times() == Integer.MAX_VALUE ? before.times() : before.times() + 1;
            firstMs = before.firstMs();
        } else {
            before = byVersion.size() == CAPACITY ? byVersion.firstEntry().getValue() : null;
            forgotten = before == null ? forgotten : before.version();
        }
        if (before != null) {
            unlink(before);
        }
        var added = new LoggedEvent(
                before == null ? taken.nextClearBit(0) : before.place(),
                event.version(),
                event.timeMs(),
                event.kind(),
                event.unit(),
                event.machineId(),
                event.by(),
                event.detail(),
                times,
                firstMs);
        link(added);
        rows.replaced(before, added);
        while (bytes > MAX_BYTES && byVersion.size() > 1) {
            var oldest = byVersion.firstEntry().getValue();
            forgotten = oldest.version();
            unlink(oldest);
            rows.replaced(oldest, null);
        }
        return added;
    }

    private void link(LoggedEvent event) {
        taken.set(event.place());
        byVersion.put(event.version(), event);
        if (REPEATED.contains(event.kind())) {
            last.put(Alike.of(event), event);
        }
        bytes += event.heapBytes();
    }

    private void unlink(LoggedEvent event) {
        taken.clear(event.place());
        byVersion.remove(event.version());
        if (REPEATED.contains(event.kind())) {
            last.remove(Alike.of(event), event);
        }
        bytes -= event.heapBytes();
    }
}
