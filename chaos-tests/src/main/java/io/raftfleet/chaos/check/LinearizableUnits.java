package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.History.Operation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * All operations on a unit happened one after the other, each between its invocation and its answer. As linearizability is
 * local, each unit is checked for itself.
 */
public final class LinearizableUnits implements Check {
    /** More operations of unknown outcome on one unit make the search too long. */
    private static final int MOST_OPEN = 16;

    private final Linearizer<Optional<Event.UnitValue>, Operation> linearizer = new Linearizer<>(new UnitModel());

    @Override
    public String promise() {
        return "every unit is linearizable";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        Map<String, List<Operation>> byUnit = new TreeMap<>();
        for (var operation : history.operations()) {
            if (matters(operation)) {
                byUnit.computeIfAbsent(operation.call().unit(), unit -> new ArrayList<>())
                        .add(operation);
            }
        }
        int skipped = 0;
        for (var unit : byUnit.entrySet()) {
            if (unit.getValue().stream().filter(op -> !op.answered()).count() > MOST_OPEN) {
                skipped++;
                continue;
            }
            check(unit.getKey(), unit.getValue(), collector);
        }
        if (skipped > 0) {
            collector.unexamined(skipped + " units with more than " + MOST_OPEN + " operations of unknown outcome");
        }
        return collector.finding();
    }

    private void check(String unit, List<Operation> operations, Finding.Collector collector) {
        collector.examined(operations.size());
        var timed = operations.stream()
                .map(op -> new Linearizer.Timed<>(
                        op.invoked().at(), op.answered() ? op.returned().at() : Long.MAX_VALUE, op))
                .toList();
        linearizer.firstBreach(timed).ifPresent(breach -> {
            var last = breach.stream()
                    .filter(op -> !op.open())
                    .max(Comparator.comparingLong(Linearizer.Timed::returned))
                    .orElseThrow()
                    .operation();
            var evidence = new ArrayList<Event>();
            breach.forEach(op -> {
                evidence.add(op.operation().invoked());
                evidence.add(op.operation().returned());
            });
            evidence.sort(Comparator.comparingLong(Event::at));
            collector.violation(new Violation(
                    "unit " + unit + ": no order of its operations explains that "
                            + last.invoked().client() + "'s "
                            + last.call().kind() + " at " + last.invoked().engine() + " was answered "
                            + last.returned().code() + " with "
                            + last.returned().value(),
                    last.returned().at(),
                    evidence));
        });
    }

    private static boolean matters(Operation operation) {
        if (operation.call().kind() == Kind.STALE_READ) {
            return false;
        }
        boolean read = operation.call().kind() == Kind.READ;
        return operation.returned().outcome() != Outcome.FAILED && (!read || operation.answered());
    }
}
