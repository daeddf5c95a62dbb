package io.raftfleet.state;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Departures by unit and by machine. Guarded by the registry's lock. */
final class DepartureTable {
    private final Map<String, Set<String>> machinesByUnit = new HashMap<>();
    private final Map<String, Set<String>> unitsByMachine = new HashMap<>();
    private final RowLog rows;

    DepartureTable(RowLog rows) {
        this.rows = rows;
    }

    boolean contains(String machineId, String name) {
        return machines(name).contains(machineId);
    }

    /** Machines that this unit has to leave. */
    Set<String> machines(String name) {
        return machinesByUnit.getOrDefault(name, Set.of());
    }

    /** Units that have to leave this machine. */
    Set<String> units(String machineId) {
        return unitsByMachine.getOrDefault(machineId, Set.of());
    }

    /** Adds a departure; says whether it is new. */
    boolean add(String machineId, String name) {
        if (!link(machineId, name)) {
            return false;
        }
        rows.replaced(null, new Departure(machineId, name));
        return true;
    }

    void restore(Departure departure) {
        link(departure.machineId(), departure.name());
        rows.restored(departure);
    }

    /** Removes a departure; says whether there was one. */
    boolean remove(String machineId, String name) {
        if (!contains(machineId, name)) {
            return false;
        }
        unlink(machinesByUnit, name, machineId);
        unlink(unitsByMachine, machineId, name);
        rows.replaced(new Departure(machineId, name), null);
        return true;
    }

    void clear() {
        machinesByUnit.clear();
        unitsByMachine.clear();
    }

    private boolean link(String machineId, String name) {
        unitsByMachine.computeIfAbsent(machineId, id -> new TreeSet<>()).add(name);
        return machinesByUnit.computeIfAbsent(name, n -> new TreeSet<>()).add(machineId);
    }

    private static void unlink(Map<String, Set<String>> index, String key, String value) {
        index.computeIfPresent(key, (k, values) -> {
            values.remove(value);
            return values.isEmpty() ? null : values;
        });
    }
}
