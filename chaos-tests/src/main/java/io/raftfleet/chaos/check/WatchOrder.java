package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Change;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Watches miss nothing and keep the order: revisions only rise, two watchers see the same changes wherever both were watching,
 * and what was acknowledged at a revision has been told by then.
 */
public final class WatchOrder implements Check {
    @Override
    public String promise() {
        return "watches are complete and in order";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var segments = Segments.of(history);
        segments.forEach(segment -> rising(segment, collector));
        for (int i = 0; i < segments.size(); i++) {
            for (int j = i + 1; j < segments.size(); j++) {
                same(segments.get(i), segments.get(j), collector);
            }
        }
        acknowledged(history, segments, collector);
        return collector.finding();
    }

    private static void rising(Segments.Segment segment, Finding.Collector collector) {
        Position before = segment.base().revision();
        for (var change : segment.changes()) {
            collector.examined(1);
            if (change.revision().incarnation() != before.incarnation()
                    || change.revision().compareTo(before) <= 0) {
                collector.violation(new Violation(
                        segment.watcher() + " was told of " + change + " after " + before,
                        segment.base().at(),
                        List.of(frame(change))));
            }
            before = change.revision();
        }
    }

    private static void same(Segments.Segment one, Segments.Segment other, Finding.Collector collector) {
        if (one.base().revision().incarnation() != other.base().revision().incarnation()) {
            return;
        }
        var changes = new TreeMap<Position, List<Change>>();
        collect(one, other, changes);
        collect(other, one, changes);
        for (var at : changes.entrySet()) {
            collector.examined(1);
            var told = at.getValue();
            if (told.size() != 2 || !told.getFirst().equals(told.getLast())) {
                collector.violation(new Violation(
                        one.watcher() + " and " + other.watcher() + ", both watching at " + at.getKey()
                                + ", were not told the same: " + told,
                        Math.max(one.base().at(), other.base().at()),
                        told.stream().map(WatchOrder::frame).toList()));
            }
        }
    }

    /** The changes of one within what both cover. */
    private static void collect(
            Segments.Segment one, Segments.Segment other, NavigableMap<Position, List<Change>> changes) {
        for (var change : one.changes()) {
            if (change.revision().compareTo(other.base().revision()) > 0 && other.covers(change.revision())) {
                changes.computeIfAbsent(change.revision(), at -> new ArrayList<>())
                        .add(change);
            }
        }
    }

    private static void acknowledged(History history, List<Segments.Segment> segments, Finding.Collector collector) {
        var told = new ArrayList<Map<String, Position>>();
        for (var segment : segments) {
            Map<String, Position> first = new HashMap<>();
            segment.base()
                    .rows()
                    .forEach(row -> first.put(row.unit(), segment.base().revision()));
            segment.changes().forEach(change -> first.putIfAbsent(change.unit(), change.revision()));
            told.add(first);
        }
        for (var operation : history.operations()) {
            var revision = operation.returned().revision();
            if (revision == null
                    || !operation.call().ledger()
                    || operation.call().kind() != Kind.CREATE
                    || !operation.returned().code().equals("OK")) {
                continue;
            }
            for (int i = 0; i < segments.size(); i++) {
                if (!segments.get(i).covers(revision)) {
                    continue;
                }
                collector.examined(1);
                var first = told.get(i).get(operation.call().unit());
                if (first == null || first.compareTo(revision) > 0) {
                    collector.violation(new Violation(
                            segments.get(i).watcher() + " was not told of "
                                    + operation.call().unit() + " up to " + revision
                                    + ", where it was acknowledged; first told at " + first,
                            operation.returned().at(),
                            List.of(operation.invoked(), operation.returned())));
                }
            }
        }
    }

    private static Event frame(Change change) {
        return new Event.WatchFrame(0, "", change.revision(), List.of(change));
    }
}
