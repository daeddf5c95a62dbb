package io.raftfleet.state;

import io.raftfleet.proto.log.Record;
import java.util.List;

/**
 * The format that an entry is written in: that of the first version which knows all its records, not the newest that this version
 * could write. So during a rolling upgrade everything goes on but what is new, and that waits for the last engine.
 */
public final class EntryFormats {
    private EntryFormats() {}

    /** The oldest {@code Entry.format} whose readers apply these records as this version does; at least 1. */
    public static int needed(List<Record> records) {
        return records.stream()
                .mapToInt(record -> since(record.getRecordCase()))
                .max()
                .orElse(1);
    }

    /** A new kind of record, or a new meaning of one, has a format of its own. */
    private static int since(Record.RecordCase kind) {
        return switch (kind) {
            case CLUSTER_CREATED,
                    LEADER_STARTED,
                    CONTENTS_STORED,
                    UNIT_CREATED,
                    TARGET_STATE_SET,
                    UNIT_DESTROYED,
                    UNIT_SCHEDULED,
                    UNIT_UNSCHEDULED,
                    SESSION_OPENED,
                    MACHINE_LOST,
                    MACHINE_METADATA_SET,
                    STATES_REPORTED,
                    REQUEST_ANSWERED,
                    UNIT_RESTORED,
                    MACHINE_EXPECTED,
                    RECORD_NOT_SET -> 1;
            case ORPHAN_DROPPED -> 2;
        };
    }
}
