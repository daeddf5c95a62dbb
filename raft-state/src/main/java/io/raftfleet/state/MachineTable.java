package io.raftfleet.state;

import org.jspecify.annotations.Nullable;

/** Machines by id, lost ones too. Guarded by the registry's lock. */
final class MachineTable {
    private final LayeredMap<String, MachineRecord> machines;
    private final LayeredMap<String, MachineRecord> presentOnes;
    private final RowLog rows;
    private final FactIndex facts;
    private int present;
    private int awaited;
    private int fenced;
    private int draining;

    MachineTable(RowLog rows, FactIndex facts) {
        this(LayeredMap.empty(), LayeredMap.empty(), rows, facts, 0, 0, 0, 0);
    }

    private MachineTable(
            LayeredMap<String, MachineRecord> machines,
            LayeredMap<String, MachineRecord> presentOnes,
            RowLog rows,
            FactIndex facts,
            int present,
            int awaited,
            int fenced,
            int draining) {
        this.machines = machines;
        this.presentOnes = presentOnes;
        this.rows = rows;
        this.facts = facts;
        this.present = present;
        this.awaited = awaited;
        this.fenced = fenced;
        this.draining = draining;
    }

    /** Changes over this table. */
    MachineTable over(RowLog newRows, FactIndex newFacts) {
        return new MachineTable(
                machines.over(), presentOnes.over(), newRows, newFacts, present, awaited, fenced, draining);
    }

    @Nullable
    MachineRecord get(String id) {
        return machines.get(id);
    }

    boolean isPresent(String id) {
        var machine = machines.get(id);
        return machine != null && machine.present();
    }

    SortedRows<String, MachineRecord> all() {
        return machines.all();
    }

    SortedRows<String, MachineRecord> allPresent() {
        return presentOnes.all();
    }

    int present() {
        return present;
    }

    /** How many have yet to tell what they run. */
    int awaited() {
        return awaited;
    }

    /** How many are lost and may run units yet that must never run twice. */
    int fenced() {
        return fenced;
    }

    /** How many are being drained, and have not come to the end of it. */
    int draining() {
        return draining;
    }

    void put(MachineRecord machine) {
        rows.touch();
        var before = machines.get(machine.id());
        link(machine);
        rows.replaced(before, machine);
        facts.put(Fact.Kind.METADATA, machine.id(), before == null ? 0 : before.operatorsAt(), machine.operatorsAt());
        if (before != null) {
            count(before, -1);
        }
        count(machine, 1);
    }

    void remove(MachineRecord machine) {
        rows.touch();
        machines.remove(machine.id());
        presentOnes.remove(machine.id());
        rows.replaced(machine, null);
        facts.put(Fact.Kind.METADATA, machine.id(), machine.operatorsAt(), 0);
        count(machine, -1);
    }

    void restore(MachineRecord machine) {
        link(machine);
        rows.restored(machine);
        facts.restore(Fact.Kind.METADATA, machine.id(), machine.operatorsAt());
        count(machine, 1);
    }

    private void count(MachineRecord machine, int by) {
        present += machine.present() ? by : 0;
        awaited += machine.awaited() ? by : 0;
        fenced += machine.fenced() ? by : 0;
        draining += machine.mark().draining() ? by : 0;
    }

    void clear() {
        machines.clear();
        presentOnes.clear();
        present = 0;
        awaited = 0;
        fenced = 0;
        draining = 0;
    }

    private void link(MachineRecord machine) {
        machines.put(machine.id(), machine);
        if (machine.present()) {
            presentOnes.put(machine.id(), machine);
        } else {
            presentOnes.remove(machine.id());
        }
    }
}
