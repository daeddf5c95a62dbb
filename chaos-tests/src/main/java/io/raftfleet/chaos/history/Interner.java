package io.raftfleet.chaos.history;

import io.raftfleet.chaos.history.Event.Change;
import io.raftfleet.chaos.history.Event.Row;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes equal rows of a history one object: lists and watches tell the same again and again. Used by one thread. */
final class Interner {
    private final Map<Row, Row> rows = new HashMap<>();
    private final Map<String, String> words = new HashMap<>();

    Event intern(Event event) {
        return switch (event) {
            case Event.Listed page ->
                new Event.Listed(
                        page.at(),
                        page.asked(),
                        word(page.client()),
                        word(page.engine()),
                        page.stale(),
                        page.after(),
                        page.last(),
                        page.revision(),
                        rows(page.rows()));
            case Event.HttpListed page ->
                new Event.HttpListed(
                        page.at(),
                        page.asked(),
                        word(page.client()),
                        word(page.engine()),
                        page.after(),
                        page.last(),
                        page.revision(),
                        rows(page.rows()));
            case Event.WatchBased base ->
                new Event.WatchBased(
                        base.at(), word(base.watcher()), word(base.engine()), base.revision(), rows(base.rows()));
            case Event.WatchFrame frame ->
                new Event.WatchFrame(
                        frame.at(),
                        word(frame.watcher()),
                        frame.upTo(),
                        frame.changes().stream().map(this::change).toList());
            default -> event;
        };
    }

    private Change change(Change change) {
        var row = change.row();
        return new Change(change.revision(), word(change.unit()), row == null ? null : row(row));
    }

    private List<Row> rows(List<Row> many) {
        return many.stream().map(this::row).toList();
    }

    private Row row(Row row) {
        var known = rows.get(row);
        if (known == null) {
            known = new Row(word(row.unit()), word(row.contents()), word(row.target()), word(row.machine()));
            rows.put(known, known);
        }
        return known;
    }

    private String word(String word) {
        return words.computeIfAbsent(word, same -> same);
    }
}
