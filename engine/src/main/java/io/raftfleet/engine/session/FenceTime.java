package io.raftfleet.engine.session;

import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Fence;
import java.time.Duration;

/** How long after its TTL a silent machine may still run a unit that must never run twice. */
final class FenceTime {
    private FenceTime() {}

    /**
     * Zero for a machine that has no fenced unit. Contents of units that it has yet to take away may be gone from the registry;
     * any of those counts as fenced.
     */
    static Duration after(RegistryView view, String machineId, Duration ttl) {
        boolean any = !view.departuresFrom(machineId).isEmpty()
                || view.scheduledTo(machineId).stream().anyMatch(name -> fenced(view, name));
        return any ? Fence.afterTtl(ttl) : Duration.ZERO;
    }

    private static boolean fenced(RegistryView view, String name) {
        var unit = view.unit(name);
        return unit != null && fenced(view, unit);
    }

    static boolean fenced(RegistryView view, UnitRecord unit) {
        var text = view.contents(unit.hash());
        return text != null && Fence.applies(unit.name(), text);
    }
}
