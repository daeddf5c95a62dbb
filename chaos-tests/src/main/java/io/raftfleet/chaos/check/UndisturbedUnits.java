package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * No unit is stopped or started by a fault of the control plane. Looks at units that no client touches: one may stop, or start,
 * only when a machine that had it was lost or crashed within the last {@value #GRACE_SECONDS} s.
 */
public final class UndisturbedUnits implements Check {
    private static final long GRACE_SECONDS = 60;
    private static final long GRACE = TimeUnit.SECONDS.toNanos(GRACE_SECONDS);
    /** Machines tell a start with its own time, watches a loss once they hear of it: the start that follows a loss may come first. */
    private static final long NEWS = TimeUnit.SECONDS.toNanos(5);

    @Override
    public String promise() {
        return "no unit is stopped or restarted by a control-plane fault";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var steady = new HashSet<>(history.began().steady());
        var availability = new Availability(history);
        Set<String> seen = new HashSet<>();
        Set<String> had = new HashSet<>();
        for (var event : history.events()) {
            if (!(event instanceof Event.UnitRan ran) || !steady.contains(ran.unit())) {
                continue;
            }
            boolean first = seen.add(ran.unit());
            had.add(ran.machine() + " " + ran.unit());
            if (first) {
                continue;
            }
            collector.examined(1);
            long from = Math.max(0, ran.at() - GRACE);
            boolean excused = had.stream()
                    .filter(key -> key.endsWith(" " + ran.unit()))
                    .map(key -> key.substring(0, key.indexOf(' ')))
                    .anyMatch(machine -> availability.lost(machine, from, ran.at() + NEWS));
            if (!excused) {
                collector.violation(new Violation(
                        "unit " + ran.unit() + " " + ran.step() + " on machine " + ran.machine()
                                + ", and no machine that had it was lost",
                        ran.at(),
                        List.of(ran)));
            }
        }
        for (var unit : steady) {
            collector.examined(1);
            if (!seen.contains(unit)) {
                collector.violation(new Violation("unit " + unit + " was never seen to start", 0, List.of()));
            }
        }
        return collector.finding();
    }
}
