package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.History;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Once all is quiet, the cluster's list of units says what the machines' managers say. */
public final class SettledStates implements Check {
    @Override
    public String promise() {
        return "list-units equals what the managers say";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var reports = history.all(Event.Reported.class).toList();
        if (reports.isEmpty()) {
            collector.unexamined("the campaign did not settle");
            return collector.finding();
        }
        var report = reports.getLast();
        var reported = new TreeMap<String, Running>();
        report.units().forEach(unit -> reported.put(key(unit), unit));
        var managed = new TreeMap<String, Running>();
        history.all(Event.Managed.class).filter(m -> m.at() >= report.at()).forEach(machine -> {
            machine.units().forEach(unit -> managed.put(key(unit), unit));
        });
        var keys = new TreeMap<String, Running>(reported);
        keys.putAll(managed);
        for (var key : keys.keySet()) {
            collector.examined(1);
            var inList = reported.get(key);
            var onMachine = managed.get(key);
            if (!same(inList, onMachine)) {
                collector.violation(new Violation(
                        key + ": the cluster says " + inList + ", the machine's manager " + onMachine,
                        report.at(),
                        List.of()));
            }
        }
        return collector.finding();
    }

    /** A unit that the cluster has and that is not active need not be known to the manager. */
    private static boolean same(@Nullable Running inList, @Nullable Running onMachine) {
        if (inList == null || onMachine == null) {
            var only = inList == null ? onMachine : inList;
            return only != null && only.active().equals("inactive");
        }
        boolean pids = inList.pid() == 0 || onMachine.pid() == 0 || inList.pid() == onMachine.pid();
        return inList.active().equals(onMachine.active()) && pids;
    }

    private static String key(Running unit) {
        return unit.unit() + " on " + unit.machine();
    }
}
