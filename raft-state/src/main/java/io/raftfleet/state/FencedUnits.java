package io.raftfleet.state;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which units must never run twice, or go where such a unit does ({@code MachineOf}), through however many others. For one look at a registry:
 * what was found of a unit is remembered, so that a chain of them is gone along once, not again for each of its units.
 */
public final class FencedUnits {
    private final RegistryView view;
    private final Map<String, Boolean> known = new HashMap<>();

    public FencedUnits(RegistryView view) {
        this.view = view;
    }

    boolean has(UnitRecord asked) {
        // By name of each unit that was reached: from which.
        var reached = new HashMap<String, @Nullable String>();
        reached.put(asked.name(), null);
        var open = new ArrayDeque<>(List.of(asked));
        while (!open.isEmpty()) {
            var unit = open.remove();
            var found = known.get(unit.name());
            if (unit.wants().fence() || Boolean.TRUE.equals(found)) {
                for (@Nullable String name = unit.name(); name != null; name = reached.get(name)) {
                    known.put(name, true);
                }
                return true;
            }
            if (found == null) {
                for (var name : unit.wants().peers()) {
                    var peer = reached.containsKey(name) ? null : view.unit(name);
                    if (peer != null) {
                        reached.put(name, unit.name());
                        open.add(peer);
                    }
                }
            }
        }
        reached.keySet().forEach(name -> known.put(name, false));
        return false;
    }
}
