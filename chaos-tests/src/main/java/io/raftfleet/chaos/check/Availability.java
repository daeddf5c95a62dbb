package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** When a machine was certainly connected: present in the registry, and neither it nor the way to it under a fault. */
final class Availability {
    private record Interval(long from, long to) {
        boolean meets(long start, long end) {
            return from <= end && start <= to;
        }
    }

    private final Map<String, List<Interval>> away = new HashMap<>();
    private final Map<String, List<Interval>> lost = new HashMap<>();

    Availability(History history) {
        var began = history.began();
        var machineHosts = began.machines();
        Map<Long, Event.FaultBegan> faults = new HashMap<>();
        Map<String, Long> lostSince = new HashMap<>();
        for (var event : history.events()) {
            if (event instanceof Event.FaultBegan fault) {
                faults.put(fault.fault(), fault);
            } else if (event instanceof Event.FaultEnded ended) {
                var fault = faults.remove(ended.fault());
                if (fault != null) {
                    mark(fault, ended.at(), machineHosts);
                }
            } else if (event instanceof Event.Presence presence) {
                if (!presence.present()) {
                    lostSince.putIfAbsent(presence.machine(), presence.at());
                } else {
                    var since = lostSince.remove(presence.machine());
                    if (since != null) {
                        add(lost, presence.machine(), new Interval(since, presence.at()));
                    }
                }
            } else if (event instanceof Event.MachineCrashed crash) {
                add(lost, crash.machine(), new Interval(crash.at(), crash.at()));
            }
        }
        faults.values().forEach(fault -> mark(fault, Long.MAX_VALUE / 2, machineHosts));
        lostSince.forEach((machine, since) -> add(lost, machine, new Interval(since, Long.MAX_VALUE / 2)));
    }

    private void mark(Event.FaultBegan fault, long end, Map<String, List<String>> machineHosts) {
        for (var host : fault.hosts()) {
            for (var machine : machineHosts.getOrDefault(host, List.of())) {
                add(away, machine, new Interval(fault.at(), end));
            }
        }
    }

    private static void add(Map<String, List<Interval>> to, String machine, Interval interval) {
        to.computeIfAbsent(machine, id -> new ArrayList<>()).add(interval);
    }

    /** Whether nothing stood between a machine and the cluster at any time of an interval. */
    boolean connected(String machine, long from, long to) {
        return !meets(away, machine, from, to) && !meets(lost, machine, from, to);
    }

    /** Whether a fault touched a machine, or the way to it, at some time of an interval. */
    boolean disturbed(String machine, long from, long to) {
        return meets(away, machine, from, to);
    }

    /** Whether the cluster held the machine for lost, or it crashed, at some time of an interval. */
    boolean lost(String machine, long from, long to) {
        return meets(lost, machine, from, to);
    }

    private static boolean meets(Map<String, List<Interval>> in, String machine, long from, long to) {
        return in.getOrDefault(machine, List.of()).stream().anyMatch(interval -> interval.meets(from, to));
    }
}
