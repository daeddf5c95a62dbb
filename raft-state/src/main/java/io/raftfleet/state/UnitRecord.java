package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A unit as the registry has it, and what becomes of it by each record that is about it: see {@link Transition}.
 *
 * @param source digest of its file as it was submitted, in hexadecimal; null when that is what its contents are, or is not kept
 * @param wants what its file asks of machines
 * @param factsRecorded whether the log says what it wants; otherwise each engine reads that in the stored file, as version 0.1
 *     did: see {@link io.raftfleet.unit.LegacyFacts}
 * @param startGeneration version of the order that started it last; 0 before the first
 * @param machineId where it is scheduled; null for none, and for global units
 * @param changed who changed it last, where it is scheduled aside
 * @param version of its last change
 * @param definedAt version of the last change of anything but {@code machineId}
 * @param placedAt version of the last change of {@code machineId}
 */
public record UnitRecord(
        String name,
        UnitHash hash,
        @Nullable String source,
        Requirements wants,
        boolean factsRecorded,
        TargetState target,
        long startGeneration,
        @Nullable String machineId,
        LastChange changed,
        long version,
        long definedAt,
        long placedAt)
        implements StoredRow {

    /**
     * A new unit, or one with new contents, which stays where {@code before} is unless it is global now, or not wanted. Becoming
     * launched is a new start, also for one that was.
     *
     * @param hash of its contents, as they have it
     * @param source digest of the file as it was submitted, if that is kept
     * @param wants what the record, or else the stored file, says
     * @param generation what a new start is given
     */
    static UnitRecord created(
            @Nullable UnitRecord before,
            UnitCreated record,
            UnitHash hash,
            @Nullable String source,
            Requirements wants,
            LastChange changed,
            long generation,
            long version) {
        boolean stays = before != null && !wants.global() && wanted(record.getTargetState());
        boolean starts = record.getTargetState() == TargetState.TARGET_STATE_LAUNCHED;
        return new UnitRecord(
                record.getName(),
                hash,
                source,
                wants,
                record.hasFacts(),
                record.getTargetState(),
                starts ? generation : before == null ? 0 : before.startGeneration(),
                stays && before != null ? before.machineId() : null,
                changed,
                version,
                version,
                stays && before != null ? before.placedAt() : version);
    }

    /** A unit as a mirror, or a machine that runs it, has it. */
    static UnitRecord restored(
            UnitRestored record, UnitHash hash, @Nullable String source, Requirements wants, long version) {
        boolean placed = !record.getMachineId().isEmpty() && !wants.global() && wanted(record.getTargetState());
        return new UnitRecord(
                record.getName(),
                hash,
                source,
                wants,
                record.hasFacts(),
                record.getTargetState(),
                record.getStartGeneration(),
                placed ? record.getMachineId() : null,
                LastChange.of(record.getChangedBy(), record.getChangedAtMs()),
                version,
                version,
                version);
    }

    /** Whether it runs on every machine that it admits. */
    public boolean global() {
        return wants.global();
    }

    /** The same, with the machine's own string for its id. */
    UnitRecord on(MachineRecord machine) {
        return new UnitRecord(
                name,
                hash,
                source,
                wants,
                factsRecorded,
                target,
                startGeneration,
                machine.id(),
                changed,
                version,
                definedAt,
                placedAt);
    }

    /** Whether it is to be on some machine. */
    public boolean wanted() {
        return wanted(target);
    }

    private static boolean wanted(TargetState target) {
        return target == TargetState.TARGET_STATE_LOADED || target == TargetState.TARGET_STATE_LAUNCHED;
    }

    /** On another machine, or on none. */
    UnitRecord scheduledTo(@Nullable String machine, long newVersion) {
        return new UnitRecord(
                name,
                hash,
                source,
                wants,
                factsRecorded,
                target,
                startGeneration,
                machine,
                changed,
                newVersion,
                definedAt,
                newVersion);
    }

    /** The same contents from another file. */
    UnitRecord from(@Nullable String newSource, LastChange by, long newVersion) {
        return new UnitRecord(
                name,
                hash,
                newSource,
                wants,
                factsRecorded,
                target,
                startGeneration,
                machineId,
                by,
                newVersion,
                newVersion,
                placedAt);
    }

    /** The same, with equal objects for what it shares with others. */
    UnitRecord sharing(@Nullable String sameSource, LastChange same) {
        return new UnitRecord(
                name,
                hash,
                sameSource,
                wants,
                factsRecorded,
                target,
                startGeneration,
                machineId,
                same,
                version,
                definedAt,
                placedAt);
    }

    /** Whether machines are to do the same for both: what differs, if anything, is for people. */
    public boolean asksTheSameAs(UnitRecord other) {
        return name.equals(other.name)
                && hash.equals(other.hash)
                && target == other.target
                && startGeneration == other.startGeneration
                && Objects.equals(machineId, other.machineId);
    }

    /**
     * With another target: inactive units are on no machine; becoming launched, or launched again, is a new start.
     *
     * @param newGeneration what a new start is given
     */
    UnitRecord targeted(TargetState newTarget, boolean startAgain, LastChange by, long newGeneration, long newVersion) {
        boolean leaves = newTarget == TargetState.TARGET_STATE_INACTIVE;
        boolean starts = newTarget == TargetState.TARGET_STATE_LAUNCHED && (startAgain || target != newTarget);
        return new UnitRecord(
                name,
                hash,
                source,
                wants,
                factsRecorded,
                newTarget,
                starts ? newGeneration : startGeneration,
                leaves ? null : machineId,
                by,
                newVersion,
                newVersion,
                leaves && machineId != null ? newVersion : placedAt);
    }

    /** The same with an equal hash, wanting an equal object, or what the stored file says when the log did not. */
    UnitRecord with(UnitHash sameHash, Requirements same) {
        return new UnitRecord(
                name,
                sameHash,
                source,
                same,
                factsRecorded,
                target,
                startGeneration,
                machineId,
                changed,
                version,
                definedAt,
                placedAt);
    }

    @Override
    public char table() {
        return 'u';
    }

    @Override
    public Object id() {
        return name;
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('u', name);
    }

    @Override
    public MessageLite rowValue() {
        var row = UnitRow.newBuilder()
                .setName(name)
                .setHash(hash.toByteString())
                .setGlobal(global())
                .setTargetState(target)
                .setStartGeneration(startGeneration)
                .setMachineId(machineId == null ? "" : machineId)
                .setVersion(version)
                .setDefinedAt(definedAt)
                .setPlacedAt(placedAt)
                .setSourceDigest(UnitSource.toBytes(source))
                .setChangedBy(changed.by())
                .setChangedAtMs(changed.atMs());
        if (factsRecorded) {
            row.setFacts(wants.facts());
        }
        return row.build();
    }

    /**
     * About how much of the heap it takes, in bytes. Where it is scheduled makes no difference: a unit that is created has its
     * place on a machine set aside.
     */
    @Override
    public long heapBytes() {
        return heapBytes(name, wants, changed.by());
    }

    /**
     * The same of a unit that need not be there. What units of the same contents share counts for each of them, and so does who changed
     * them last.
     */
    static long heapBytes(String name, Requirements wants, String changedBy) {
        return HeapBytes.UNIT
                + HeapBytes.UNIT_PLACES
                + HeapBytes.ofName(name)
                + HeapBytes.of(wants)
                + LastChange.heapBytes(changedBy);
    }

    /** A row without facts wants nothing yet: see {@link #with}. */
    static UnitRecord from(UnitRow row) {
        return new UnitRecord(
                row.getName(),
                UnitHash.from(row.getHash()),
                UnitSource.toHex(row.getSourceDigest()),
                Requirements.of(row.getFacts()),
                row.hasFacts(),
                row.getTargetState(),
                row.getStartGeneration(),
                row.getMachineId().isEmpty() ? null : row.getMachineId(),
                LastChange.of(row.getChangedBy(), row.getChangedAtMs()),
                row.getVersion(),
                row.getDefinedAt(),
                row.getPlacedAt());
    }
}
