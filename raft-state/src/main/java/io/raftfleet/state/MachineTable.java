package io.raftfleet.state;

import java.util.Collections;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Machines by id, lost ones too. Guarded by the registry's lock. */
final class MachineTable {
    private final NavigableMap<String, MachineRecord> machines = new TreeMap<>();
    private final RowLog rows;
    private int present;

    MachineTable(RowLog rows) {
        this.rows = rows;
    }

    @Nullable
    MachineRecord get(String id) {
        return machines.get(id);
    }

    boolean isPresent(String id) {
        var machine = machines.get(id);
        return machine != null && machine.present();
    }

    NavigableMap<String, MachineRecord> all() {
        return Collections.unmodifiableNavigableMap(machines);
    }

    int present() {
        return present;
    }

    void put(MachineRecord machine) {
        var before = machines.put(machine.id(), machine);
        rows.replaced(before, machine);
        present += (machine.present() ? 1 : 0) - (before != null && before.present() ? 1 : 0);
    }

    void restore(MachineRecord machine) {
        machines.put(machine.id(), machine);
        rows.restored(machine);
        present += machine.present() ? 1 : 0;
    }

    void clear() {
        machines.clear();
        present = 0;
    }
}
