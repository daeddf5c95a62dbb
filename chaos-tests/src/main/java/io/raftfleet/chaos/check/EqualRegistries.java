package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Engines at the same index hold the same registry. */
public final class EqualRegistries implements Check {
    @Override
    public String promise() {
        return "engines at the same index hold the same registry";
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        Map<Long, Event.EngineView> byIndex = new HashMap<>();
        history.all(Event.EngineView.class).forEach(view -> {
            var known = byIndex.putIfAbsent(view.index(), view);
            if (known == null || known.engine().equals(view.engine())) {
                return;
            }
            collector.examined(1);
            if (!known.digest().equals(view.digest())) {
                collector.violation(new Violation(
                        known.engine() + " and " + view.engine() + " hold different registries at index "
                                + view.index(),
                        view.at(),
                        List.of(known, view)));
            }
        });
        return collector.finding();
    }
}
