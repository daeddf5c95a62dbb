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
import java.util.function.Predicate;

/**
 * All operations on an object happened one after the other, each between its invocation and its answer. As linearizability is
 * local, each is checked for itself.
 */
final class Linearizability {
    /** More operations of unknown outcome on one unit make the search too long. */
    private static final int MOST_OPEN = 16;

    private final String promise;
    /** What the objects are called, one of them. */
    private final String noun;

    private final Linearizer<Optional<Event.UnitValue>, Operation> linearizer;

    Linearizability(String promise, String noun, Model<Optional<Event.UnitValue>, Operation> model) {
        this.promise = promise;
        this.noun = noun;
        this.linearizer = new Linearizer<>(model);
    }

    /** @param about the operations that the model is of, by their kinds; others are left out */
    Finding check(History history, Predicate<Kind> about) {
        var collector = new Finding.Collector(promise);
        Map<String, List<Operation>> byUnit = new TreeMap<>();
        for (var operation : history.operations()) {
            if (about.test(operation.call().kind()) && matters(operation)) {
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
            collector.unexamined(
                    skipped + " " + noun + "s with more than " + MOST_OPEN + " operations of unknown outcome");
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
                    noun + " " + unit + ": no order of its operations explains that "
                            + last.invoked().client() + "'s "
                            + last.call().kind() + " at " + last.invoked().engine() + " was answered "
                            + last.returned().code() + " with "
                            + last.returned().value(),
                    last.returned().at(),
                    evidence));
        });
    }

    private static boolean matters(Operation operation) {
        var kind = operation.call().kind();
        boolean read = kind == Kind.READ || kind == Kind.READ_METADATA;
        return operation.returned().outcome() != Outcome.FAILED && (!read || operation.answered());
    }
}
