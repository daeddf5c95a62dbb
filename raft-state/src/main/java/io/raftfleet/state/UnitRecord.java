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
 */
public record UnitRecord(
        String name,
        UnitHash hash,
        boolean global,
        TargetState target,
        long startGeneration,
        @Nullable String machineId,
        long version)
        implements StoredRow {

    /** Whether it is to be on some machine. */
    public boolean wanted() {
        return target == TargetState.TARGET_STATE_LOADED || target == TargetState.TARGET_STATE_LAUNCHED;
    }

    /** On another machine, or on none. */
    public UnitRecord scheduledTo(@Nullable String machine, long newVersion) {
        return new UnitRecord(name, hash, global, target, startGeneration, machine, newVersion);
    }

    /** With another target: inactive units are on no machine; becoming launched, or launched again, is a new start. */
    public UnitRecord targeted(TargetState newTarget, boolean startAgain, long newVersion) {
        boolean starts = newTarget == TargetState.TARGET_STATE_LAUNCHED && (startAgain || target != newTarget);
        return new UnitRecord(
                name,
                hash,
                global,
                newTarget,
                starts ? newVersion : startGeneration,
                newTarget == TargetState.TARGET_STATE_INACTIVE ? null : machineId,
                newVersion);
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
                .build()
                .toByteString();
    }

    static UnitRecord from(UnitRow row) {
        return new UnitRecord(
                row.getName(),
                UnitHash.from(row.getHash()),
                row.getGlobal(),
                row.getTargetState(),
                row.getStartGeneration(),
                row.getMachineId().isEmpty() ? null : row.getMachineId(),
                row.getVersion());
    }
}
