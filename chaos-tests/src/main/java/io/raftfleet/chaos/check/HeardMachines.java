package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.time.Duration;
import java.util.List;

/** A machine is lost only when it, or the way to it, was under a fault: no leader change makes a machine look dead. */
public final class HeardMachines implements Check {
    private static final Duration SLACK = Duration.ofSeconds(10);

    @Override
    public String promise() {
        return "no machine is held for lost by a leader change";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var availability = new Availability(history);
        var ttl = Duration.ofMillis(history.began().ttlMs());
        long before = ttl.plus(SLACK).toNanos();
        history.all(Event.Presence.class).forEach(presence -> {
            collector.examined(1);
            if (!presence.present()
                    && !availability.disturbed(presence.machine(), presence.at() - before, presence.at())) {
                collector.violation(new Violation(
                        "machine " + presence.machine() + " was lost, and nothing was wrong with it",
                        presence.at(),
                        List.of(presence)));
            }
        });
        collector.examined(history.began().machines().size());
        return collector.finding();
    }
}
