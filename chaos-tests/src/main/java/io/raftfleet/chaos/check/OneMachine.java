package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * No unit runs on two machines while both are connected. A machine that was cut off and lost may go on with what has moved
 * elsewhere; once it is back it has {@value #GRACE_SECONDS} s to stop that.
 */
public final class OneMachine implements Check {
    private static final long GRACE_SECONDS = 15;
    private static final long GRACE = TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
    /** Two machines' journals are read at slightly different speed; a move's stop and start may touch. */
    private static final long TOUCH = TimeUnit.MILLISECONDS.toNanos(5);

    @Override
    public String promise() {
        return "no unit runs on two connected machines";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var availability = new Availability(history);
        Map<String, List<Runs.Run>> byUnit = new HashMap<>();
        Runs.of(history)
                .forEach(run -> byUnit.computeIfAbsent(run.unit(), u -> new ArrayList<>())
                        .add(run));
        for (var runs : byUnit.values()) {
            runs.sort(Comparator.comparingLong(Runs.Run::start));
            for (int i = 0; i < runs.size(); i++) {
                collector.examined(1);
                for (int j = i + 1; j < runs.size(); j++) {
                    compare(history, availability, runs.get(i), runs.get(j), collector);
                }
            }
        }
        return collector.finding();
    }

    private static void compare(
            History history, Availability availability, Runs.Run one, Runs.Run other, Finding.Collector collector) {
        if (one.machine().equals(other.machine())) {
            return;
        }
        long from = Math.max(one.start(), other.start());
        long to = Math.min(Math.min(one.end(), other.end()), history.end());
        if (to - from <= TOUCH) {
            return;
        }
        // At its beginning with both connected for a while; or still, long after both came back.
        long before = Math.max(0, from - GRACE);
        boolean atOnce = availability.connected(one.machine(), before, from)
                && availability.connected(other.machine(), before, from);
        boolean forLong = to - from > GRACE
                && availability.connected(one.machine(), to - GRACE, to)
                && availability.connected(other.machine(), to - GRACE, to);
        if (atOnce || forLong) {
            collector.violation(new Violation(
                    "unit " + one.unit() + " ran on " + one.machine() + " and " + other.machine() + " for "
                            + TimeUnit.NANOSECONDS.toMillis(to - from) + " ms, both connected",
                    from,
                    List.of(one.started(), other.started())));
        }
    }
}
