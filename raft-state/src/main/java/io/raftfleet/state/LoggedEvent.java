package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.EventRow;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.EventKind;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Something that has happened, as it is kept. What each field is says {@code Event} in {@code model.proto}.
 *
 * @param place a number that no other one that is kept has
 * @param version behind all that the same entry changed
 * @param timeMs by the leader's clock, in milliseconds of Unix time
 * @param times how often, alike, since {@code firstMs}
 */
public record LoggedEvent(
        int place,
        long version,
        long timeMs,
        EventKind kind,
        String unit,
        String machineId,
        String by,
        String detail,
        int times,
        long firstMs)
        implements StoredRow {
    private static final int SHORT_ID = 8;
    /** The record, its number as a key, and its places: in the order of versions, among those that may come again. */
    private static final long FIXED = 72 + 24 + 8 + HeapBytes.TREE_ENTRY + HeapBytes.HASH_ENTRY + 32;

    @Override
    public char table() {
        return 'e';
    }

    @Override
    public Object id() {
        return place;
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('e', Integer.toString(place));
    }

    @Override
    public MessageLite rowValue() {
        return EventRow.newBuilder()
                .setPlace(place)
                .setVersion(version)
                .setTimeMs(timeMs)
                .setKind(kind)
                .setUnit(unit)
                .setMachineId(machineId)
                .setBy(by)
                .setDetail(detail)
                .setTimes(times)
                .setFirstMs(firstMs)
                .build();
    }

    static LoggedEvent from(EventRow row) {
        return new LoggedEvent(
                row.getPlace(),
                row.getVersion(),
                row.getTimeMs(),
                row.getKind(),
                row.getUnit(),
                row.getMachineId(),
                row.getBy(),
                row.getDetail(),
                row.getTimes(),
                row.getFirstMs());
    }

    @Override
    public long heapBytes() {
        return FIXED + HeapBytes.ofName(unit) + HeapBytes.ofName(machineId) + HeapBytes.of(by) + HeapBytes.of(detail);
    }

    /** The message for clients. */
    Event message(Revision revision) {
        return Event.newBuilder()
                .setRevision(revision)
                .setTimeMs(timeMs)
                .setKind(kind)
                .setUnit(unit)
                .setMachineId(machineId)
                .setBy(by)
                .setDetail(detail)
                .setTimes(times)
                .setFirstMs(times > 1 ? firstMs : 0)
                .setMessage(SafeText.cut(words(), Limits.MESSAGE_BYTES))
                .build();
    }

    private String words() {
        var machine = machineId.substring(0, Math.min(SHORT_ID, machineId.length())) + "...";
        var what = switch (kind) {
            case EVENT_KIND_UNIT_SUBMITTED -> "submitted, to be " + detail;
            case EVENT_KIND_UNIT_REPLACED -> "replaced by another file" + behind(": ");
            case EVENT_KIND_UNIT_TARGETED -> "to be " + detail;
            case EVENT_KIND_UNIT_DESTROYED -> "destroyed";
            case EVENT_KIND_UNIT_SCHEDULED -> "scheduled to " + machine + behind(": ");
            case EVENT_KIND_UNIT_UNSCHEDULED -> "taken off " + machine + behind(": ");
            case EVENT_KIND_UNIT_UP -> "up on " + machine + behind(": ");
            case EVENT_KIND_UNIT_FAILED -> "failed on " + machine + behind(": ");
            case EVENT_KIND_UNIT_DOWN -> "down on " + machine + behind(": ");
            case EVENT_KIND_UNIT_TROUBLE -> "on " + machine + behind(": ");
            case EVENT_KIND_MACHINE_JOINED -> "joined" + behind(" at ");
            case EVENT_KIND_MACHINE_BACK -> "back";
            case EVENT_KIND_MACHINE_LOST -> "lost" + behind(": ");
            case EVENT_KIND_MACHINE_REBOOTED -> "rebooted";
            case EVENT_KIND_MACHINE_METADATA ->
                "metadata " + (detail.indexOf('=') >= 0 ? detail : detail + " taken away");
            case EVENT_KIND_MACHINE_MARKED -> detail;
            case EVENT_KIND_MACHINE_FORGOTTEN -> "forgotten";
            case EVENT_KIND_LEADER -> "engine " + detail + " leads";
            case EVENT_KIND_BEGUN -> "the cluster was " + detail;
            case EVENT_KIND_MORE -> "besides, " + detail;
            case EVENT_KIND_ROLLOUT, EVENT_KIND_UNSPECIFIED, UNRECOGNIZED -> detail;
        };
        var times = this.times > 1
                ? " (" + this.times + " times since "
                        + Instant.ofEpochMilli(firstMs).truncatedTo(ChronoUnit.SECONDS) + ")"
                : "";
        return what + (by.isEmpty() ? "" : ", by " + by) + times;
    }

    private String behind(String separator) {
        return detail.isEmpty() ? "" : separator + detail;
    }
}
