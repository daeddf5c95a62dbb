package io.raftfleet.engine.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to get back to what was before a trial: the last change is undone first, so that each is undone in the state that it left. What units
 * wait for is put back as it was at the first change. Costs time and space for what changes alone. Owned by {@link Cluster}.
 */
final class Trial {
    private final Deque<Runnable> changes = new ArrayDeque<>();
    private final IdentityHashMap<WaitSet, List<UnitEntry>> sets = new IdentityHashMap<>();
    private final IdentityHashMap<UnitEntry, List<WaitSet>> waits = new IdentityHashMap<>();
    private final IdentityHashMap<Map<String, WaitSet>, Map<String, @Nullable WaitSet>> indexes =
            new IdentityHashMap<>();

    /** A change is about to be made. */
    void onUndo(Runnable undo) {
        changes.push(undo);
    }

    /** A set is about to change. */
    void keep(WaitSet set) {
        sets.computeIfAbsent(set, WaitSet::copy);
    }

    /** A set of an index is about to change, to come or to go. */
    void keep(Map<String, WaitSet> index, String key) {
        var kept = indexes.computeIfAbsent(index, same -> new HashMap<>());
        if (!kept.containsKey(key)) {
            var set = index.get(key);
            kept.put(key, set);
            if (set != null) {
                keep(set);
            }
        }
    }

    /** What a unit waits for is about to change. */
    void keepWaits(UnitEntry unit) {
        waits.computeIfAbsent(unit, same -> unit.waits == null ? List.of() : List.copyOf(unit.waits));
        if (unit.waits != null) {
            unit.waits.forEach(this::keep);
        }
    }

    void undo() {
        while (!changes.isEmpty()) {
            changes.pop().run();
        }
        sets.forEach(WaitSet::restore);
        indexes.forEach((index, kept) -> kept.forEach((key, set) -> {
            if (set == null || set.isEmpty()) {
                index.remove(key);
            } else {
                index.put(key, set);
            }
        }));
        waits.forEach((unit, kept) -> unit.waits = kept.isEmpty() ? null : new ArrayList<>(kept));
    }
}
