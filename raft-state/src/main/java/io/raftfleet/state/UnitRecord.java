package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitHash;
import org.jspecify.annotations.Nullable;

/**
 * A unit as the registry has it.
 *
 * @param global whether it runs on every machine that it admits
 * @param startGeneration version of the order that started it last; 0 before the first
 * @param machineId where it is scheduled; null for none, and for global units
 * @param version of its last change
 * @param definedAt version of the last change of anything but {@code machineId}
 * @param placedAt version of the last change of {@code machineId}
 */
public record UnitRecord(
        String name,
        UnitHash hash,
        boolean global,
        TargetState target,
        long startGeneration,
        @Nullable String machineId,
        long version,
        long definedAt,
        long placedAt)
        implements StoredRow {

    /** One that changed as a whole at one version. */
    public static UnitRecord at(
            String name,
            UnitHash hash,
            boolean global,
            TargetState target,
            long startGeneration,
            @Nullable String machineId,
            long version) {
        return new UnitRecord(name, hash, global, target, startGeneration, machineId, version, version, version);
    }

    /** The same, but where it is has not changed since {@code placed}. */
    UnitRecord placedAt(long placed) {
        return new UnitRecord(name, hash, global, target, startGeneration, machineId, version, definedAt, placed);
    }

    /** The same, with the machine's own string for its id. */
    UnitRecord on(MachineRecord machine) {
        return new UnitRecord(name, hash, global, target, startGeneration, machine.id(), version, definedAt, placedAt);
    }

    /** Whether it is to be on some machine. */
    public boolean wanted() {
        return target == TargetState.TARGET_STATE_LOADED || target == TargetState.TARGET_STATE_LAUNCHED;
    }

    /** On another machine, or on none. */
    public UnitRecord scheduledTo(@Nullable String machine, long newVersion) {
        return new UnitRecord(name, hash, global, target, startGeneration, machine, newVersion, definedAt, newVersion);
    }

    /**
     * With another target: inactive units are on no machine; becoming launched, or launched again, is a new start.
     *
     * @param newGeneration what a new start is given
     */
    public UnitRecord targeted(TargetState newTarget, boolean startAgain, long newGeneration, long newVersion) {
        boolean leaves = newTarget == TargetState.TARGET_STATE_INACTIVE;
        boolean starts = newTarget == TargetState.TARGET_STATE_LAUNCHED && (startAgain || target != newTarget);
        return new UnitRecord(
                name,
                hash,
                global,
                newTarget,
                starts ? newGeneration : startGeneration,
                leaves ? null : machineId,
                newVersion,
                newVersion,
                leaves && machineId != null ? newVersion : placedAt);
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('u', name);
    }

    @Override
    public ByteString rowValue() {
        return UnitRow.newBuilder()
                .setName(name)
                .setHash(hash.toByteString())
                .setGlobal(global)
                .setTargetState(target)
                .setStartGeneration(startGeneration)
                .setMachineId(machineId == null ? "" : machineId)
                .setVersion(version)
                .setDefinedAt(definedAt)
                .setPlacedAt(placedAt)
                .build()
                .toByteString();
    }

    /**
     * About how much of the heap it takes, in bytes. Where it is scheduled makes no difference: a unit that is created has its
     * place on a machine set aside.
     */
    @Override
    public long heapBytes() {
        return HeapBytes.UNIT + HeapBytes.UNIT_PLACES + HeapBytes.of(name);
    }

    static UnitRecord from(UnitRow row) {
        return new UnitRecord(
                row.getName(),
                UnitHash.from(row.getHash()),
                row.getGlobal(),
                row.getTargetState(),
                row.getStartGeneration(),
                row.getMachineId().isEmpty() ? null : row.getMachineId(),
                row.getVersion(),
                row.getDefinedAt(),
                row.getPlacedAt());
    }
}
