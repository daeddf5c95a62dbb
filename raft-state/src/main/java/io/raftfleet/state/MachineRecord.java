package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.MachinePresence;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A machine as the registry has it.
 *
 * @param announced metadata as its agent is configured
 * @param operators operators' changes on top: a value, or empty for a key that they removed
 * @param agentInstance the agent process of the current session
 * @param present whether it is heard; otherwise it is lost
 * @param sessionEpoch of its latest session
 * @param sequence of the last state report applied in that session
 * @param operatorsAt version of the last change of {@code operators}; 0 when there was none
 * @param awaited whether starts wait, in a registry that was restored, until it has told what it runs
 * @param fenced whether it is lost and may run units yet that must never run twice
 * @param mark what operators have said of it as a place for units
 * @param lostMs when it was lost, by the leader's clock; 0 when it is not, or when that is not known
 */
public record MachineRecord(
        String id,
        String primaryIp,
        Map<String, String> announced,
        Map<String, Optional<String>> operators,
        String version,
        long agentInstance,
        String bootId,
        boolean present,
        long sessionEpoch,
        long sequence,
        long operatorsAt,
        boolean awaited,
        boolean fenced,
        Mark mark,
        long lostMs)
        implements StoredRow {

    public MachineRecord {
        announced = Map.copyOf(announced);
        operators = Map.copyOf(operators);
    }

    /** What scheduling goes by. */
    public Map<String, String> metadata() {
        if (operators.isEmpty()) {
            return announced;
        }
        var merged = new TreeMap<>(announced);
        operators.forEach((key, value) -> value.ifPresentOrElse(v -> merged.put(key, v), () -> merged.remove(key)));
        return merged;
    }

    /** One that a restored registry speaks of, not heard yet. */
    static MachineRecord expected(MachineExpected record, long now) {
        var operators = new TreeMap<String, Optional<String>>();
        record.getSetByOperatorsMap().forEach((key, value) -> operators.put(key, Optional.of(value)));
        record.getRemovedByOperatorsList().forEach(key -> operators.put(key, Optional.empty()));
        var mark = Mark.from(record.getMark(), now);
        long operatorsAt = operators.isEmpty() && !mark.cordoned() ? 0 : now;
        var id = record.getMachineId();
        return new MachineRecord(
                id, "", Map.of(), operators, "", 0, "", true, 0, 0, operatorsAt, record.getAwaited(), false, mark, 0);
    }

    /** Whether it has never had a session in this life of the registry, though it counts as present. */
    public boolean unseen() {
        return present && sessionEpoch == 0;
    }

    /**
     * With a new session; what operators say is kept from {@code before}.
     *
     * @param awaited whether others are awaited: then one that was not present is, too
     */
    static MachineRecord of(SessionOpened session, @Nullable MachineRecord before, boolean awaited) {
        return new MachineRecord(
                session.getMachineId(),
                session.getPrimaryIp(),
                session.getMetadataMap(),
                before == null ? Map.of() : before.operators(),
                session.getVersion(),
                session.getAgentInstance(),
                session.getBootId(),
                true,
                session.getSessionEpoch(),
                0,
                before == null ? 0 : before.operatorsAt(),
                (before == null || !before.present()) ? awaited : before.awaited(),
                false,
                before == null ? Mark.NONE : before.mark(),
                0);
    }

    /**
     * Not heard.
     *
     * @param mayRunFenced whether it may run units yet that must never run twice
     * @param atMs since when
     */
    MachineRecord lost(boolean mayRunFenced, long atMs) {
        return new MachineRecord(
                id,
                primaryIp,
                announced,
                operators,
                version,
                agentInstance,
                bootId,
                false,
                sessionEpoch,
                sequence,
                operatorsAt,
                false,
                mayRunFenced,
                mark,
                atMs);
    }

    /** It is lost, and what must never run twice runs there no more. */
    MachineRecord fenceOver() {
        return lost(false, lostMs);
    }

    MachineRecord reported(long newSequence) {
        return new MachineRecord(
                id,
                primaryIp,
                announced,
                operators,
                version,
                agentInstance,
                bootId,
                present,
                sessionEpoch,
                newSequence,
                operatorsAt,
                awaited,
                fenced,
                mark,
                lostMs);
    }

    /** What it runs is known. */
    MachineRecord told() {
        return new MachineRecord(
                id,
                primaryIp,
                announced,
                operators,
                version,
                agentInstance,
                bootId,
                present,
                sessionEpoch,
                sequence,
                operatorsAt,
                false,
                fenced,
                mark,
                lostMs);
    }

    /** What it would take more of the heap if operators said one more thing of it, in bytes; negative for less. */
    public long growthBy(MachineMetadataSet record) {
        return patched(record, operatorsAt).heapBytes() - heapBytes();
    }

    /** With one more thing that operators say of it. */
    MachineRecord patched(MachineMetadataSet record, long changedAt) {
        var changed = new HashMap<>(operators);
        changed.put(record.getKey(), record.hasValue() ? Optional.of(record.getValue()) : Optional.empty());
        return new MachineRecord(
                id,
                primaryIp,
                announced,
                changed,
                version,
                agentInstance,
                bootId,
                present,
                sessionEpoch,
                sequence,
                changedAt,
                awaited,
                fenced,
                mark,
                lostMs);
    }

    /** With another mark. */
    MachineRecord marked(Mark newMark, long changedAt) {
        return new MachineRecord(
                id,
                primaryIp,
                announced,
                operators,
                version,
                agentInstance,
                bootId,
                present,
                sessionEpoch,
                sequence,
                changedAt,
                awaited,
                fenced,
                newMark,
                lostMs);
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('m', id);
    }

    @Override
    public MessageLite rowValue() {
        var row = MachineRow.newBuilder()
                .setId(id)
                .setPrimaryIp(primaryIp)
                .setVersion(version)
                .setAgentInstance(agentInstance)
                .setBootId(bootId)
                .setPresence(present ? MachinePresence.MACHINE_PRESENCE_PRESENT : MachinePresence.MACHINE_PRESENCE_LOST)
                .setSessionEpoch(sessionEpoch)
                .setSequence(sequence)
                .setOperatorsAt(operatorsAt)
                .setAwaited(awaited)
                .setFenced(fenced)
                .setLostMs(lostMs);
        if (mark.cordoned()) {
            row.setMark(mark.message()).setMarkedAt(mark.at());
        }
        row.putAllAnnounced(announced);
        new TreeMap<>(operators)
                .forEach((key, value) -> value.ifPresentOrElse(
                        v -> row.putSetByOperators(key, v), () -> row.addRemovedByOperators(key)));
        return row.build();
    }

    /** About how much of the heap it takes, in bytes, with its digest of states and its place in the scheduler. */
    @Override
    public long heapBytes() {
        long bytes = 1500 + HeapBytes.of(id) + HeapBytes.of(primaryIp) + HeapBytes.of(version) + HeapBytes.of(bootId);
        for (var entry : announced.entrySet()) {
            bytes += HeapBytes.HASH_ENTRY + HeapBytes.of(entry.getKey()) + HeapBytes.of(entry.getValue());
        }
        for (var entry : operators.entrySet()) {
            bytes += HeapBytes.HASH_ENTRY
                    + HeapBytes.of(entry.getKey())
                    + 16
                    + entry.getValue().map(HeapBytes::of).orElse(0L);
        }
        return bytes;
    }

    static MachineRecord from(MachineRow row) {
        var operators = new TreeMap<String, Optional<String>>();
        row.getSetByOperatorsMap().forEach((key, value) -> operators.put(key, Optional.of(value)));
        row.getRemovedByOperatorsList().forEach(key -> operators.put(key, Optional.empty()));
        return new MachineRecord(
                row.getId(),
                row.getPrimaryIp(),
                row.getAnnouncedMap(),
                operators,
                row.getVersion(),
                row.getAgentInstance(),
                row.getBootId(),
                row.getPresence() == MachinePresence.MACHINE_PRESENCE_PRESENT,
                row.getSessionEpoch(),
                row.getSequence(),
                row.getOperatorsAt(),
                row.getAwaited(),
                row.getFenced(),
                Mark.from(row.getMark(), row.getMarkedAt()),
                row.getLostMs());
    }
}
