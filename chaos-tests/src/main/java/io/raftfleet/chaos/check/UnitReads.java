package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.History.Operation;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** A read of a unit, stale or not, is what the registry had at the revision that it states, which watches tell. */
public final class UnitReads implements Check {
    private record Read(Operation operation, Event.Position revision) {}

    @Override
    public String promise() {
        return "each read of a unit is the registry at its revision";
    }

    /** From format 2 on. */
    @Override
    public boolean applies(History history) {
        return history.began().format() > 1;
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var reads = history.operations().stream()
                .filter(operation -> operation.answered()
                        && (operation.call().kind() == Kind.STALE_READ
                                || (operation.call().kind() == Kind.READ
                                        && operation.returned().revision() != null)))
                .toList();
        var dated = reads.stream()
                .filter(operation -> operation.returned().revision() != null)
                .map(operation -> new Read(
                        operation, Objects.requireNonNull(operation.returned().revision())))
                .sorted(Comparator.comparing(Read::revision))
                .toList();
        Set<Long> checked = new HashSet<>();
        for (var segment : Segments.of(history)) {
            var rows = segment.start();
            int next = 0;
            for (var read : dated) {
                if (!segment.covers(read.revision())) {
                    continue;
                }
                while (next < segment.changes().size()
                        && segment.changes().get(next).revision().compareTo(read.revision()) <= 0) {
                    Segments.apply(rows, segment.changes().get(next++));
                }
                if (!checked.add(read.operation().invoked().op())) {
                    continue;
                }
                collector.examined(1);
                var row = rows.get(read.operation().call().unit());
                var expected = row == null ? null : row.value();
                var found = read.operation().returned().value();
                if (!Objects.equals(expected, found)) {
                    collector.violation(new Violation(
                            "a read of " + read.operation().call().unit() + " at "
                                    + read.operation().invoked().engine() + " found " + found + " at "
                                    + read.revision() + ", where " + segment.watcher() + " was told of " + expected,
                            read.operation().returned().at(),
                            List.of(read.operation().invoked(), read.operation().returned())));
                }
            }
        }
        if (checked.size() < reads.size()) {
            collector.unexamined((reads.size() - checked.size()) + " of " + reads.size()
                    + " reads state no revision, or one that no watch covers");
        }
        return collector.finding();
    }
}
