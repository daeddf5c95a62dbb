package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.History.Operation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What was acknowledged is there at the end, and nothing that nobody asked for: units that are made once and never touched again. */
public final class AcknowledgedWrites implements Check {
    private static final Set<Kind> MAKING = Set.of(Kind.CREATE, Kind.REPLACE, Kind.PUT);

    @Override
    public String promise() {
        return "no acknowledged write is lost";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        Map<String, Event.Row> last = new HashMap<>();
        var settled = history.all(Event.Settled.class).findFirst();
        if (settled.isEmpty()) {
            collector.unexamined("the campaign did not settle");
            return collector.finding();
        }
        var pages = history.all(Event.Listed.class)
                .filter(page -> page.at() > settled.get().at() && !page.stale())
                .toList();
        pages.forEach(page -> page.rows().forEach(row -> last.put(row.unit(), row)));
        if (pages.stream().noneMatch(Event.Listed::last)) {
            collector.unexamined("no whole list after the end");
            return collector.finding();
        }
        var asked = new HashSet<String>(history.began().steady());
        for (var operation : history.operations()) {
            if (MAKING.contains(operation.call().kind())) {
                asked.add(operation.call().unit());
            }
            if (operation.call().ledger()) {
                check(operation, last, collector);
            }
        }
        for (var row : last.values()) {
            collector.examined(1);
            if (!asked.contains(row.unit())) {
                collector.violation(new Violation(
                        "unit " + row.unit() + " is in the list, and nobody made it", history.end(), List.of()));
            }
        }
        return collector.finding();
    }

    private static void check(Operation operation, Map<String, Event.Row> last, Finding.Collector collector) {
        var call = operation.call();
        var row = last.get(call.unit());
        boolean acknowledged =
                operation.answered() && operation.returned().code().equals("OK");
        collector.examined(1);
        if (acknowledged && row == null) {
            collector.violation(new Violation(
                    "unit " + call.unit() + " was acknowledged by "
                            + operation.invoked().engine() + " and is gone",
                    operation.returned().at(),
                    List.of(operation.invoked(), operation.returned())));
        } else if (row != null && !row.value().equals(new Event.UnitValue(call.contents(), call.target()))) {
            collector.violation(new Violation(
                    "unit " + call.unit() + " is " + row.value() + " although it was made once as " + call,
                    operation.returned().at(),
                    List.of(operation.invoked(), operation.returned())));
        } else if (row != null && operation.returned().outcome() == Event.Outcome.FAILED) {
            collector.violation(new Violation(
                    "unit " + call.unit() + " is there although its creation was answered as certainly not done",
                    operation.returned().at(),
                    List.of(operation.invoked(), operation.returned())));
        }
    }
}
