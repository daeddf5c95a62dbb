package io.raftfleet.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The last changes, for watches to resume from; a ring of a fixed number of changes. Every engine that has applied the same
 * entries has the same changes with the same positions, as far back as its window goes. Guarded by the registry's lock.
 */
final class EventWindow {
    private final Event[] ring;
    private long first;
    private long next;
    /** Watches can't resume from before this version: later changes may be missing. */
    private long floor;

    EventWindow(int capacity) {
        ring = new Event[capacity];
    }

    /** Starts empty, after the entry of this index. */
    void restart(long index) {
        first = 0;
        next = 0;
        floor = Versions.of(index, Versions.MAX_ORDINAL);
    }

    void add(long index, List<Change> changes) {
        for (int ordinal = 0; ordinal < changes.size(); ordinal++) {
            if (next - first == ring.length) {
                floor = at(first).version();
                first++;
            }
            ring[(int) (next % ring.length)] = new Event(Versions.of(index, ordinal), changes.get(ordinal));
            next++;
        }
    }

    /** Up to {@code limit} changes after a version; empty when the window does not reach back that far. */
    Optional<List<Event>> after(long version, int limit) {
        if (Long.compareUnsigned(version, floor) < 0) {
            return Optional.empty();
        }
        long low = first;
        long high = next;
        while (low < high) {
            long middle = (low + high) >>> 1;
            if (at(middle).version() <= version) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        var events = new ArrayList<Event>();
        for (long i = low; i < next && events.size() < limit; i++) {
            events.add(at(i));
        }
        return Optional.of(events);
    }

    private Event at(long position) {
        return ring[(int) (position % ring.length)];
    }
}
