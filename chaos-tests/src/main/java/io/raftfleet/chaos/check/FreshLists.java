package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event.Position;
import io.raftfleet.chaos.history.History;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A page that was not asked for as a stale one is of a revision at or behind that of every write, and every other such page,
 * that had been answered when it was asked for.
 */
public final class FreshLists implements Check {
    @Override
    public String promise() {
        return "no list but a stale one is older than what was acknowledged before";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var newest = newest(history);
        history.pages().filter(page -> !page.stale()).forEach(page -> {
            collector.examined(1);
            var before = newest.lowerEntry(page.asked());
            if (before == null) {
                return;
            }
            var known = before.getValue();
            if (page.revision().incarnation() != known.incarnation()
                    || page.revision().compareTo(known) < 0) {
                collector.violation(new Violation(
                        page.engine() + "'s page behind \"" + page.after() + "\" is the registry at " + page.revision()
                                + ", although " + known + " had been answered before it was asked for",
                        page.at(),
                        List.of(page)));
            }
        });
        return collector.finding();
    }

    /** The highest revision that had been answered, by the time from when it had. */
    private static NavigableMap<Long, Position> newest(History history) {
        var answered = new TreeMap<Long, Position>();
        for (var operation : history.operations()) {
            var revision = operation.returned().revision();
            if (operation.answered() && revision != null) {
                answered.merge(operation.returned().at(), revision, FreshLists::later);
            }
        }
        history.pages()
                .filter(page -> !page.stale())
                .forEach(page -> answered.merge(page.at(), page.revision(), FreshLists::later));
        Position highest = null;
        for (Map.Entry<Long, Position> entry : answered.entrySet()) {
            highest = highest == null ? entry.getValue() : later(highest, entry.getValue());
            entry.setValue(highest);
        }
        return answered;
    }

    private static Position later(Position one, Position other) {
        return one.compareTo(other) >= 0 ? one : other;
    }
}
