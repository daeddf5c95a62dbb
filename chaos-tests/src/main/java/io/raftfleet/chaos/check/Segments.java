package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Change;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** What watchers saw, in stretches without a gap: all units at a revision, and all changes from there to another. */
final class Segments {
    /** One stretch. Filled by {@link #of}, then only read. */
    static final class Segment {
        private final Event.WatchBased base;
        private final List<Change> changes = new ArrayList<>();
        private Position end;

        Segment(Event.WatchBased base) {
            this.base = base;
            this.end = base.revision();
        }

        String watcher() {
            return base.watcher();
        }

        Event.WatchBased base() {
            return base;
        }

        List<Change> changes() {
            return changes;
        }

        boolean covers(Position revision) {
            return revision.incarnation() == base.revision().incarnation()
                    && base.revision().compareTo(revision) <= 0
                    && revision.compareTo(end) <= 0;
        }

        Position end() {
            return end;
        }

        /** All units at its beginning. */
        NavigableMap<String, Row> start() {
            var rows = new TreeMap<String, Row>();
            base.rows().forEach(row -> rows.put(row.unit(), row));
            return rows;
        }
    }

    private Segments() {}

    static List<Segment> of(History history) {
        var all = new ArrayList<Segment>();
        Map<String, Segment> open = new HashMap<>();
        for (var event : history.events()) {
            if (event instanceof Event.WatchBased base) {
                var segment = new Segment(base);
                open.put(base.watcher(), segment);
                all.add(segment);
            } else if (event instanceof Event.WatchFrame frame) {
                var segment = open.get(frame.watcher());
                if (segment != null) {
                    segment.changes.addAll(frame.changes());
                    segment.end = frame.upTo();
                }
            }
        }
        return all;
    }

    static void apply(Map<String, Row> rows, Change change) {
        var row = change.row();
        if (row == null) {
            rows.remove(change.unit());
        } else {
            rows.put(change.unit(), row);
        }
    }
}
