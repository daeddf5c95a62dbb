package io.raftfleet.state;

import io.raftfleet.proto.log.Record;
import io.raftfleet.unit.Requirements;

/**
 * How much of the heap the registry takes, estimated, in bytes. All but {@code events} is a function of what is stored: equal on
 * all engines that have applied the same entries.
 *
 * @param units records of units, with their places in indexes and in the leader's scheduler
 * @param contents texts of unit files, once each: what is stored of them, and as they were submitted
 * @param states what machines report of units; for units that no machine has reported yet, what that will take
 * @param machines machines with their metadata
 * @param requests answers that are kept for retries
 * @param removals what is remembered of units that are gone or have to leave a machine, of what has happened, of rollouts, of tokens
 *     and of revoked certificates
 * @param events changes that watches can resume from; bounded for itself, see {@link Registry}
 */
public record MemoryUse(
        long units, long contents, long states, long machines, long requests, long removals, long events) {
    /** What counts against the quota: all but the events. */
    public long held() {
        return units + contents + states + machines + requests + removals;
    }

    /** What {@link #held} rises by with one of the records that a registry is restored from, at most. */
    public static long ofRestored(Record record) {
        return switch (record.getRecordCase()) {
            case CONTENTS_STORED ->
                StoredContents.heapBytes(
                        record.getContentsStored().getContents().getText());
            case SOURCE_STORED ->
                StoredSource.heapBytes(record.getSourceStored().getText());
            case UNIT_RESTORED -> {
                var unit = record.getUnitRestored();
                yield UnitRecord.heapBytes(unit.getName(), Requirements.of(unit.getFacts()), unit.getChangedBy())
                        + UnitStateRecord.heapBytes(unit.getName());
            }
            case MACHINE_EXPECTED ->
                MachineRecord.expected(record.getMachineExpected(), 0).heapBytes();
            default -> 0;
        };
    }
}
