package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * No unit with {@code Fence=true} runs on two machines at once, connected or not: not while its agent is paused or dead, nor while its
 * machine is cut off or held for lost.
 */
public final class FencedUnits implements Check {
    /** What a journal's time of a stop may be behind the stop itself. */
    private static final long TOUCH = TimeUnit.MILLISECONDS.toNanos(5);

    @Override
    public String promise() {
        return "no fenced unit ever runs on two machines at once";
    }

    @Override
    public boolean applies(History history) {
        return !history.began().fenced().isEmpty();
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var prefix = history.began().fenced();
        Map<String, List<Runs.Run>> byUnit = new HashMap<>();
        Runs.of(history).stream()
                .filter(run -> run.unit().startsWith(prefix))
                .forEach(run -> byUnit.computeIfAbsent(run.unit(), unit -> new ArrayList<>())
                        .add(run));
        byUnit.values().forEach(runs -> compare(runs, history.end(), collector));
        return collector.finding();
    }

    /** In the order of their starts, each with the longest of those before it. */
    private static void compare(List<Runs.Run> runs, long end, Finding.Collector collector) {
        runs.sort(Comparator.comparingLong(Runs.Run::start));
        Map<String, Runs.Run> longest = new HashMap<>();
        for (var run : runs) {
            collector.examined(1);
            for (var before : longest.values()) {
                long both = Math.min(Math.min(before.end(), run.end()), end) - run.start();
                if (!before.machine().equals(run.machine()) && both > TOUCH) {
                    var evidence = new ArrayList<Event>(List.of(before.started()));
                    evidence.add(run.started());
                    evidence.addAll(before.stop());
                    evidence.addAll(run.stop());
                    collector.violation(new Violation(
                            "fenced unit " + run.unit() + " ran on " + before.machine() + " and " + run.machine()
                                    + " at once for " + TimeUnit.NANOSECONDS.toMillis(both) + " ms",
                            run.start(),
                            evidence));
                }
            }
            longest.merge(run.machine(), run, (one, other) -> one.end() >= other.end() ? one : other);
        }
    }
}
