package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Which unit ran where from when to when, as the machines' managers had it. */
final class Runs {
    /**
     * One run.
     *
     * @param end {@code Long.MAX_VALUE} when it goes on
     * @param stop absent for one that goes on, or that ended with its machine
     */
    record Run(String unit, String machine, long start, long end, Event.UnitRan started, List<Event.UnitRan> stop) {}

    private Runs() {}

    static List<Run> of(History history) {
        var runs = new ArrayList<Run>();
        Map<String, Event.UnitRan> open = new HashMap<>();
        for (var event : history.events()) {
            if (event instanceof Event.UnitRan ran) {
                var key = ran.machine() + " " + ran.unit();
                if (ran.step() == Event.Step.STARTED) {
                    var before = open.put(key, ran);
                    if (before != null) {
                        // Systemd tells of each stop; a process that was replaced tells nothing.
                        runs.add(new Run(ran.unit(), ran.machine(), before.at(), ran.at(), before, List.of(ran)));
                    }
                } else {
                    var started = open.remove(key);
                    if (started != null) {
                        runs.add(new Run(ran.unit(), ran.machine(), started.at(), ran.at(), started, List.of(ran)));
                    }
                }
            } else if (event instanceof Event.MachineCrashed crash) {
                open.values().stream()
                        .filter(ran -> ran.machine().equals(crash.machine()))
                        .forEach(ran ->
                                runs.add(new Run(ran.unit(), ran.machine(), ran.at(), crash.at(), ran, List.of())));
                open.values().removeIf(ran -> ran.machine().equals(crash.machine()));
            }
        }
        open.values()
                .forEach(ran -> runs.add(new Run(ran.unit(), ran.machine(), ran.at(), Long.MAX_VALUE, ran, List.of())));
        return runs;
    }
}
