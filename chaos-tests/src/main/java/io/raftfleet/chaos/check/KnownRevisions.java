package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.History;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The highest revision that any client had been told of, over time. */
final class KnownRevisions {
    private final TreeMap<Long, Position> highest = new TreeMap<>();

    KnownRevisions(History history) {
        for (var event : history.events()) {
            switch (event) {
                case Event.Returned returned -> add(returned.at(), returned.revision());
                case Event.Listed page -> add(page.at(), page.revision());
                case Event.HttpListed page -> add(page.at(), page.revision());
                case Event.WatchBased base -> add(base.at(), base.revision());
                case Event.WatchFrame frame -> add(frame.at(), frame.upTo());
                default -> {
                    // Tells of no revision.
                }
            }
        }
    }

    private void add(long at, @Nullable Position revision) {
        if (revision != null
                && (highest.isEmpty() || revision.compareTo(highest.lastEntry().getValue()) > 0)) {
            highest.put(at, revision);
        }
    }

    /** Null before the first. */
    @Nullable
    Position at(long time) {
        var entry = highest.floorEntry(time);
        return entry == null ? null : entry.getValue();
    }
}
