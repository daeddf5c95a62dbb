package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.RegistryRow;

/**
 * What there is one of.
 *
 * @param incarnation the life of the registry; 0 before the cluster's first entry
 * @param clockMs highest leader time applied since the clock was set last, in milliseconds of Unix time
 * @param restoredFrom the incarnation whose mirror this one was restored from; 0 for none
 * @param generationBase what start generations are versions plus
 * @param removalsForgotten version up to which removals of facts are not kept
 * @param createdMs leader time at which this incarnation began, in milliseconds of Unix time
 * @param eventsForgotten version up to which events may be kept no longer
 */
record RegistryInfo(
        long incarnation,
        long clockMs,
        long restoredFrom,
        long generationBase,
        long removalsForgotten,
        long createdMs,
        long eventsForgotten)
        implements StoredRow {
    static final RegistryInfo NONE = new RegistryInfo(0, 0, 0, 0, 0, 0, 0);

    RegistryInfo at(long newClockMs) {
        return new RegistryInfo(
                incarnation, newClockMs, restoredFrom, generationBase, removalsForgotten, createdMs, eventsForgotten);
    }

    RegistryInfo created(long newIncarnation, long from, long base) {
        return new RegistryInfo(newIncarnation, clockMs, from, base, removalsForgotten, clockMs, eventsForgotten);
    }

    RegistryInfo forgetting(long removals, long events) {
        return new RegistryInfo(incarnation, clockMs, restoredFrom, generationBase, removals, createdMs, events);
    }

    @Override
    public char table() {
        return 'r';
    }

    @Override
    public Object id() {
        return "";
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('r');
    }

    @Override
    public MessageLite rowValue() {
        return RegistryRow.newBuilder()
                .setIncarnation(incarnation)
                .setClockMs(clockMs)
                .setRestoredFrom(restoredFrom)
                .setGenerationBase(generationBase)
                .setRemovalsForgotten(removalsForgotten)
                .setCreatedMs(createdMs)
                .setEventsForgotten(eventsForgotten)
                .build();
    }

    @Override
    public long heapBytes() {
        return 64;
    }

    static RegistryInfo from(RegistryRow row) {
        return new RegistryInfo(
                row.getIncarnation(),
                row.getClockMs(),
                row.getRestoredFrom(),
                row.getGenerationBase(),
                row.getRemovalsForgotten(),
                row.getCreatedMs(),
                row.getEventsForgotten());
    }
}
