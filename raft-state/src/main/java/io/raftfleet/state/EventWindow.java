package io.raftfleet.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The last changes, for watches to resume from; a ring of a fixed number of changes, within a number of bytes. Every engine that has applied the same
 * entries has the same changes with the same positions, as far back as its window goes. Guarded by the registry's lock.
 */
final class EventWindow {
    private final @Nullable Change[] ring;
    /** Of the changes, at the same places. */
    private final long[] versions;

    private final long maxBytes;
    private long bytes;
    private long first;
    private long next;
    /** Watches can't resume from before this version: later changes may be missing. */
    private long floor;
    /** Nor from beyond this one: earlier changes may come yet. */
    private long newest = Versions.wholeEntry(0);

    EventWindow(int capacity, long maxBytes) {
        ring = new Change[capacity];
        versions = new long[capacity];
        this.maxBytes = maxBytes;
    }

    /** Starts empty, after the entry of this index. */
    void restart(long index) {
        while (first < next) {
            dropFirst();
        }
        floor = Versions.wholeEntry(index);
        newest = floor;
    }

    void add(long index, List<Change> changes) {
        for (int ordinal = 0; ordinal < changes.size(); ordinal++) {
            var change = changes.get(ordinal);
            bytes += heapBytes(change);
            while (first < next && (next - first == ring.length || bytes > maxBytes)) {
                dropFirst();
            }
            ring[place(next)] = change;
            versions[place(next)] = Versions.of(index, ordinal);
            next++;
        }
        newest = Versions.wholeEntry(index);
    }

    /** What the changes take of the heap beyond what the registry holds anyway, about. */
    long heapBytes() {
        return bytes;
    }

    private void dropFirst() {
        floor = versions[place(first)];
        bytes -= heapBytes(at(first));
        ring[place(first)] = null;
        first++;
    }

    /** Of what came after in the record's place the tables know; what was there before is here alone. */
    private static long heapBytes(Change change) {
        long what = switch (change) {
            case Change.OfUnit unit -> unit.before() == null ? 0 : HeapBytes.UNIT + HeapBytes.ofName(unit.name());
            case Change.OfMachine machine ->
                machine.before() == null ? 0 : machine.before().heapBytes();
            case Change.OfMachineGone machine -> machine.before().heapBytes();
            case Change.OfState state ->
                HeapBytes.STATE
                        + HeapBytes.ofName(state.state().getName())
                        + HeapBytes.of(state.state().getError());
            case Change.OfStateGone gone -> HeapBytes.ofName(gone.name());
            case Change.OfEvent event -> event.event().heapBytes();
            case Change.OfDeparture departure -> HeapBytes.ofName(departure.name());
        };
        return 64 + what;
    }

    /** Up to {@code limit} changes after a version; empty when the window does not reach back, or on, that far. */
    Optional<List<Event>> after(long version, int limit) {
        if (version < floor || version > newest) {
            return Optional.empty();
        }
        long low = first;
        long high = next;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (versions[place(middle)] <= version) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        var events = new ArrayList<Event>();
        for (long i = low; i < next && events.size() < limit; i++) {
            events.add(new Event(versions[place(i)], at(i)));
        }
        return Optional.of(events);
    }

    private int place(long position) {
        return (int) (position % ring.length);
    }

    private Change at(long position) {
        var change = ring[place(position)];
        if (change == null) {
            throw new IllegalStateException("no change at " + position);
        }
        return change;
    }
}
