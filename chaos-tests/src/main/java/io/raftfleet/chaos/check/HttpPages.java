package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Pages over HTTP that state no revision, as those of older engines do not. Each is the registry, as watches told of it, at some revision not older than any that was known
 * when the page was asked for.
 */
public final class HttpPages implements Check {
    /** So long after an answer watches have certainly told what was in it. */
    private static final long TOLD_WITHIN = TimeUnit.SECONDS.toNanos(10);

    private record Asked(Event.HttpListed page, Position known) {}

    @Override
    public String promise() {
        return "each list page over HTTP is the registry after it was asked for";
    }

    @Override
    public boolean applies(History history) {
        return history.all(Event.HttpListed.class).anyMatch(page -> page.revision() == null);
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var known = new KnownRevisions(history);
        var pages = new ArrayList<Asked>();
        int unknown = 0;
        var undated = history.all(Event.HttpListed.class)
                .filter(page -> page.revision() == null)
                .toList();
        for (var page : undated) {
            var revision = known.at(page.asked());
            if (revision == null) {
                unknown++;
            } else {
                pages.add(new Asked(page, revision));
            }
        }
        pages.sort(Comparator.comparing(Asked::known));
        Set<Event.HttpListed> explained = new HashSet<>();
        Set<Event.HttpListed> contradicted = new HashSet<>();
        for (var segment : Segments.of(history)) {
            var rows = segment.start();
            int next = 0;
            for (var asked : pages) {
                if (!segment.covers(asked.known()) || explained.contains(asked.page())) {
                    continue;
                }
                while (next < segment.changes().size()
                        && segment.changes().get(next).revision().compareTo(asked.known()) <= 0) {
                    Segments.apply(rows, segment.changes().get(next++));
                }
                if (explains(segment, next, rows, asked.page())) {
                    explained.add(asked.page());
                } else {
                    var later = known.at(asked.page().at() + TOLD_WITHIN);
                    if (later != null && segment.covers(later)) {
                        contradicted.add(asked.page());
                    }
                }
            }
        }
        contradicted.removeAll(explained);
        collector.examined(explained.size() + contradicted.size());
        contradicted.stream()
                .sorted(Comparator.comparingLong(Event.HttpListed::at))
                .forEach(page -> collector.violation(new Violation(
                        page.engine() + "'s page over HTTP behind \"" + page.after()
                                + "\" is not the registry at any time since it was asked for",
                        page.at(),
                        List.of(page))));
        long open = unknown + pages.size() - explained.size() - (long) contradicted.size();
        if (open > 0) {
            collector.unexamined(open + " pages of times that no watch covers");
        }
        return collector.finding();
    }

    /** Whether the page is the registry at once, or after some of the changes that follow. */
    private static boolean explains(
            Segments.Segment segment, int next, NavigableMap<String, Row> registry, Event.HttpListed page) {
        if (!page.last() && page.rows().isEmpty()) {
            return false;
        }
        var found = new TreeMap<String, Row>();
        page.rows().forEach(row -> found.put(row.unit(), row));
        @Nullable String end = page.last() ? null : found.lastKey();
        var slice = new TreeMap<>(
                end == null ? registry.tailMap(page.after(), false) : registry.subMap(page.after(), false, end, true));
        if (slice.equals(found)) {
            return true;
        }
        for (int i = next; i < segment.changes().size(); i++) {
            var change = segment.changes().get(i);
            boolean inside = change.unit().compareTo(page.after()) > 0
                    && (end == null || change.unit().compareTo(end) <= 0);
            if (inside) {
                Segments.apply(slice, change);
                if (slice.equals(found)) {
                    return true;
                }
            }
        }
        return false;
    }
}
