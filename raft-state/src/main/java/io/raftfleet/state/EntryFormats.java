package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineLost;
import io.raftfleet.proto.log.Record;
import java.util.List;

/**
 * The format that an entry is written in: that of the first version which knows all its records, not the newest that this version
 * could write. So during a rolling upgrade everything goes on but what is new, and that waits for the last engine.
 */
public final class EntryFormats {
    private EntryFormats() {}

    /** From this format on, records of new units say what their files ask of machines. */
    public static final int WITH_FACTS = 3;

    /** From this format on there are tokens and revoked certificates. */
    public static final int WITH_TOKENS = 4;

    /** From this format on, machines of a restored registry are awaited until they have told what they run. */
    public static final int WITH_AWAITED = 5;

    /** From this format on, units that must never run twice are waited for alone when their machine is lost. */
    public static final int WITH_FENCES = 6;

    /** From this format on, files are kept as they were submitted, and units say who changed them last. */
    public static final int WITH_SOURCES = 7;

    /** From this format on, operators can mark machines that are to take no units or to let go of theirs, and forget lost ones. */
    public static final int WITH_MARKS = 8;

    /** From this format on, what happens is kept as events, and records say why a unit moves, and who asked for what. */
    public static final int WITH_EVENTS = 9;

    /** From this format on there are rolling changes. */
    public static final int WITH_ROLLOUTS = 10;

    /** From this format on, rollouts count the units that they passed by, and keys that operators gave a machine leave nothing when removed. */
    public static final int WITH_LEFT_ALONE = 11;

    /** From this format on there is a record that sets the registry's clock, ahead or back. */
    public static final int WITH_CLOCK_SET = 12;

    /** The oldest {@code Entry.format} whose readers apply these records as this version does; at least 1. */
    public static int needed(List<Record> records) {
        return records.stream().mapToInt(EntryFormats::since).max().orElse(1);
    }

    /**
     * The format to write these records in: the oldest that will do, but once all engines keep what happens as events, one of which they do, and
     * once all know how the clock is set, that one: a new leader, whose clock may be wrong, then needs to ask nobody whether it may set it.
     *
     * @param agreed newest that all engines read
     */
    public static int written(List<Record> records, int agreed) {
        return Math.max(
                needed(records), agreed >= WITH_CLOCK_SET ? WITH_CLOCK_SET : agreed >= WITH_EVENTS ? WITH_EVENTS : 1);
    }

    /** A new kind of record, or a new meaning of one, has a format of its own. */
    private static int since(Record record) {
        return switch (record.getRecordCase()) {
            case CLUSTER_CREATED,
                    LEADER_STARTED,
                    CONTENTS_STORED,
                    SESSION_OPENED,
                    STATES_REPORTED,
                    REQUEST_ANSWERED,
                    RECORD_NOT_SET -> 1;
            case UNIT_CREATED -> {
                var unit = record.getUnitCreated();
                yield !unit.getReason().isEmpty() || unit.getFacts().getStartFirst()
                        ? WITH_ROLLOUTS
                        : since(unit.hasFacts(), unit.getSourceDigest(), unit.getChangedBy());
            }
            case UNIT_RESTORED -> {
                var unit = record.getUnitRestored();
                yield unit.getFacts().getStartFirst()
                        ? WITH_ROLLOUTS
                        : since(unit.hasFacts(), unit.getSourceDigest(), unit.getChangedBy());
            }
            case TARGET_STATE_SET ->
                since(false, ByteString.EMPTY, record.getTargetStateSet().getChangedBy());
            case SOURCE_STORED, UNIT_SOURCE_SET -> WITH_SOURCES;
            case UNIT_DESTROYED -> saying(record.getUnitDestroyed().getChangedBy(), 1);
            case UNIT_SCHEDULED -> saying(record.getUnitScheduled().getReason(), 1);
            case UNIT_UNSCHEDULED -> saying(record.getUnitUnscheduled().getReason(), 1);
            case MACHINE_METADATA_SET -> {
                var set = record.getMachineMetadataSet();
                yield set.getDropped() ? WITH_LEFT_ALONE : saying(set.getChangedBy(), 1);
            }
            case ORPHAN_DROPPED -> 2;
            case JOIN_TOKEN_CREATED, JOIN_TOKEN_USED, JOIN_TOKEN_REMOVED, IDENTITY_REVOKED -> WITH_TOKENS;
            case MACHINE_EXPECTED -> since(record.getMachineExpected());
            case MACHINE_TOLD -> WITH_AWAITED;
            case MACHINE_LOST -> since(record.getMachineLost());
            case FENCE_OVER -> WITH_FENCES;
            case MACHINE_MARKED -> saying(record.getMachineMarked().getChangedBy(), WITH_MARKS);
            case MACHINE_FORGOTTEN -> saying(record.getMachineForgotten().getChangedBy(), WITH_MARKS);
            case ROLLOUT_ADVANCED -> record.getRolloutAdvanced().getLeftAlone() > 0 ? WITH_LEFT_ALONE : WITH_ROLLOUTS;
            case ROLLOUT_STARTED, ROLLOUT_FORGOTTEN -> WITH_ROLLOUTS;
            case CLOCK_SET -> WITH_CLOCK_SET;
        };
    }

    /** A record that says who, or why, besides what it said before. */
    private static int saying(String more, int before) {
        return more.isEmpty() ? before : WITH_EVENTS;
    }

    private static int since(boolean facts, ByteString source, String changedBy) {
        return !source.isEmpty() || !changedBy.isEmpty() ? WITH_SOURCES : facts ? WITH_FACTS : 1;
    }

    private static int since(MachineExpected record) {
        return record.hasMark() ? WITH_MARKS : record.getAwaited() ? WITH_AWAITED : 1;
    }

    private static int since(MachineLost record) {
        return record.getLostMs() != 0 ? WITH_MARKS : record.getFenced() ? WITH_FENCES : 1;
    }
}
