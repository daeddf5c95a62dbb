package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.Event.Row;
import io.raftfleet.chaos.history.History;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/** Each page of a list, stale ones too, is the registry at the revision that it states, which watches tell. */
public final class ListPages implements Check {
    @Override
    public String promise() {
        return "each list page is the registry at its revision";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var pages = history.pages()
                .sorted(Comparator.comparing(Event.Listed::revision))
                .toList();
        Set<Event.Listed> checked = new HashSet<>();
        for (var segment : Segments.of(history)) {
            var rows = segment.start();
            int next = 0;
            for (var page : pages) {
                if (!segment.covers(page.revision())) {
                    continue;
                }
                while (next < segment.changes().size()
                        && segment.changes().get(next).revision().compareTo(page.revision()) <= 0) {
                    Segments.apply(rows, segment.changes().get(next++));
                }
                if (checked.add(page)) {
                    collector.examined(1);
                }
                compare(page, rows, segment.watcher(), collector);
            }
        }
        if (checked.size() < pages.size()) {
            collector.unexamined((pages.size() - checked.size()) + " of " + pages.size()
                    + " pages are of revisions that no watch covers");
        }
        return collector.finding();
    }

    private static void compare(
            Event.Listed page, NavigableMap<String, Row> registry, String watcher, Finding.Collector collector) {
        if (!page.last() && page.rows().isEmpty()) {
            return;
        }
        Map<String, Row> expected = registry.tailMap(page.after(), false);
        if (!page.last()) {
            expected =
                    registry.subMap(page.after(), false, page.rows().getLast().unit(), true);
        }
        var found = new TreeMap<String, Row>();
        page.rows().forEach(row -> found.put(row.unit(), row));
        if (found.equals(expected)) {
            return;
        }
        var difference = new TreeMap<String, String>();
        var names = new HashSet<>(found.keySet());
        names.addAll(expected.keySet());
        for (var name : names) {
            var inPage = found.get(name);
            var inRegistry = expected.get(name);
            if (inPage == null || !inPage.equals(inRegistry)) {
                difference.put(name, "page " + inPage + ", registry " + inRegistry);
            }
        }
        collector.violation(new Violation(
                page.engine() + "'s page behind \"" + page.after() + "\" is not the registry at "
                        + show(page.revision()) + " as " + watcher + " was told: " + difference,
                page.at(),
                List.of(page)));
    }

    private static String show(Position revision) {
        return revision.index() + "." + revision.ordinal();
    }
}
