package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.List;

/** What must happen under a fault by itself does: a damaged log is refused, the cluster comes back in time. */
public final class Expectations implements Check {
    @Override
    public String promise() {
        return "each fault does what the design says, and the cluster comes back";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        history.all(Event.Expected.class).forEach(expected -> {
            collector.examined(1);
            if (!expected.met()) {
                collector.violation(new Violation(
                        "did not happen: " + expected.what() + "; instead: " + expected.evidence(),
                        expected.at(),
                        List.of(expected)));
            }
        });
        history.all(Event.Settled.class).forEach(settled -> {
            collector.examined(1);
            if (!settled.ready()) {
                collector.violation(new Violation(
                        "after all faults the cluster did not come back: " + settled.detail(),
                        settled.at(),
                        List.of(settled)));
            }
        });
        return collector.finding();
    }
}
