package io.raftfleet.bench;

import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Series;
import io.raftfleet.chaos.cluster.SystemdMachine;
import java.util.ArrayList;
import java.util.List;

/**
 * When one machine's units began and when they were active, by the clock of its systemd, in seconds after whatever had them started began.
 */
record MachineTimeline(List<Double> begun, List<Double> active) {
    private static final String BEGUN = "InactiveExitTimestampMonotonic";
    private static final String ACTIVE = "ActiveEnterTimestampMonotonic";

    /**
     * Asks the machine's systemd.
     *
     * @param units of which those that it does not have are passed over
     * @param beginNanos by {@link System#nanoTime}, which on Linux is the clock that systemd reads
     */
    static MachineTimeline of(SystemdMachine machine, List<String> units, long beginNanos) {
        return new MachineTimeline(times(machine, BEGUN, units, beginNanos), times(machine, ACTIVE, units, beginNanos));
    }

    private static List<Double> times(SystemdMachine machine, String property, List<String> units, long beginNanos) {
        return machine.property(property, units).values().stream()
                .mapToLong(Long::parseLong)
                .filter(micros -> micros > 0)
                .sorted()
                .mapToObj(micros -> micros / 1e6 - beginNanos / 1e9)
                .toList();
    }

    /** As two lines that rise from no unit to all. */
    void addTo(Findings findings, String how) {
        var title = active.size() + " units of one machine, " + how;
        findings.line(rising(title + ": begun", begun));
        findings.line(rising(title + ": active", active));
    }

    private static Series rising(String what, List<Double> times) {
        var points = new ArrayList<Series.Point>();
        points.add(new Series.Point(0, 0));
        for (int i = 0; i < times.size(); i++) {
            points.add(new Series.Point(times.get(i), i + 1));
        }
        return new Series(what, "units", points);
    }
}
