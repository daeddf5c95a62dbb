package io.raftfleet.agent.systemd;

import static org.awaitility.Awaitility.await;

import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** A listener that keeps what it hears. */
final class Heard implements UnitManager.Listener {
    final Map<String, ObservedState> latest = new ConcurrentHashMap<>();
    /** How many starts of a unit are over. */
    final Map<String, Integer> ended = new ConcurrentHashMap<>();

    final List<Map<String, ObservedState>> relists = new CopyOnWriteArrayList<>();

    @Override
    public void changed(String name, ObservedState state) {
        latest.put(name, state);
    }

    @Override
    public void startEnded(String name) {
        ended.merge(name, 1, Integer::sum);
    }

    @Override
    public void relisted(Map<String, ObservedState> all) {
        latest.clear();
        latest.putAll(all);
        relists.add(all);
    }

    ObservedState latest(String unit) {
        return Objects.requireNonNull(latest.get(unit), unit);
    }

    /** Waits until the manager has read all states over a connection. */
    void awaitList() {
        await("list of all states").pollInterval(Duration.ofMillis(10)).until(() -> !relists.isEmpty());
    }

    /** Waits until the listener has heard such a state of a unit. */
    ObservedState awaitState(String unit, Predicate<ObservedState> state) {
        return awaitState(Duration.ofSeconds(20), unit, state);
    }

    ObservedState awaitState(Duration limit, String unit, Predicate<ObservedState> state) {
        return await("state of " + unit)
                .pollInterval(Duration.ofMillis(10))
                .atMost(limit)
                .until(() -> latest.get(unit), heard -> heard != null && state.test(heard));
    }
}
