package io.raftfleet.engine.schedule;

import io.raftfleet.unit.Requirements;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The open machines that one metadata requirement admits, ordered by load. All units with equal requirements share
 * one; the empty requirement has all open machines. Owned by {@link MachineClasses}.
 */
final class MachineClass {
    /** Allowed values by key. */
    final Map<String, Set<String>> metadata;

    final TreeSet<MachineEntry> byLoad = new TreeSet<>(MachineEntry.BY_LOAD);

    /** Pending units that any machine that joins this class could help. */
    final WaitSet waiting = new WaitSet();

    /** Orders classes by age. */
    final long number;

    /** How many units require it. */
    int uses;

    MachineClass(Map<String, Set<String>> metadata, long number) {
        this.metadata = metadata;
        this.number = number;
    }

    boolean admits(Map<String, String> machineMetadata) {
        return Requirements.admits(metadata, machineMetadata);
    }
}
