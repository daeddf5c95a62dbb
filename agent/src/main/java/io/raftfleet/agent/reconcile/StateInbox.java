package io.raftfleet.agent.reconcile;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * States on their way from the manager to the machine's loop: of each unit the latest, behind the latest full list. However much
 * comes while the loop is busy, no more waits than the machine has units, and one task. Guarded by its monitor.
 */
final class StateInbox implements UnitManager.Listener {
    private static final Logger log = LoggerFactory.getLogger(StateInbox.class);

    private final Loop loop;
    private final Consumer<Map<String, ObservedState>> onList;
    private final BiConsumer<String, ObservedState> onChange;
    private final Consumer<String> onStartEnded;

    @GuardedBy("this")
    private @Nullable Map<String, ObservedState> list;

    @GuardedBy("this")
    private Map<String, ObservedState> changes = new LinkedHashMap<>();

    @GuardedBy("this")
    private Set<String> ended = new LinkedHashSet<>();

    /**
     * An empty one.
     *
     * @param onList takes full lists, on the loop
     * @param onChange takes units and their states, on the loop
     * @param onStartEnded takes units whose start jobs have ended, on the loop, after the states they led to
     */
    StateInbox(
            Loop loop,
            Consumer<Map<String, ObservedState>> onList,
            BiConsumer<String, ObservedState> onChange,
            Consumer<String> onStartEnded) {
        this.loop = loop;
        this.onList = onList;
        this.onChange = onChange;
        this.onStartEnded = onStartEnded;
    }

    @Override
    public void changed(String name, ObservedState state) {
        boolean first;
        synchronized (this) {
            first = isEmpty();
            changes.put(name, state);
        }
        if (first) {
            loop.execute(this::take);
        }
    }

    @Override
    public void startEnded(String name) {
        boolean first;
        synchronized (this) {
            first = isEmpty();
            ended.add(name);
        }
        if (first) {
            loop.execute(this::take);
        }
    }

    @Override
    public void relisted(Map<String, ObservedState> all) {
        boolean first;
        synchronized (this) {
            first = isEmpty();
            list = all;
            changes.clear(); // The list is newer.
            ended.clear();
        }
        if (first) {
            loop.execute(this::take);
        }
    }

    @GuardedBy("this")
    private boolean isEmpty() {
        return list == null && changes.isEmpty() && ended.isEmpty();
    }

    private void take() {
        Map<String, ObservedState> all;
        Map<String, ObservedState> since;
        Set<String> starts;
        synchronized (this) {
            all = list;
            since = changes;
            starts = ended;
            list = null;
            changes = new LinkedHashMap<>();
            ended = new LinkedHashSet<>();
        }
        if (all != null) {
            tell(() -> onList.accept(all));
        }
        since.forEach((name, state) -> tell(() -> onChange.accept(name, state)));
        starts.forEach(name -> tell(() -> onStartEnded.accept(name)));
    }

    /** What one state breaks is no reason to lose the others. */
    private static void tell(Runnable one) {
        try {
            one.run();
        } catch (RuntimeException defect) {
            log.error("a state of a unit could not be taken up; please report this", defect);
        }
    }
}
