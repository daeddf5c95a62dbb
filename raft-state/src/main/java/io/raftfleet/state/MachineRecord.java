package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineMetadataSet;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.model.MachinePresence;
import java.util.HashMap;
import java.util.List;
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
        var fields = new Fields(record.getMachineId());
        fields.operators = operators(record.getSetByOperatorsMap(), record.getRemovedByOperatorsList());
        fields.present = true;
        fields.mark = Mark.from(record.getMark(), now);
        fields.operatorsAt = fields.operators.isEmpty() && !fields.mark.cordoned() ? 0 : now;
        fields.awaited = record.getAwaited();
        return fields.record();
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
        var fields = before == null ? new Fields(session.getMachineId()) : new Fields(before);
        fields.primaryIp = session.getPrimaryIp();
        fields.announced = session.getMetadataMap();
        fields.version = session.getVersion();
        fields.agentInstance = session.getAgentInstance();
        fields.bootId = session.getBootId();
        fields.present = true;
        fields.sessionEpoch = session.getSessionEpoch();
        fields.sequence = 0;
        fields.awaited = (before != null && before.present()) ? before.awaited() : awaited;
        fields.fenced = false;
        fields.lostMs = 0;
        return fields.record();
    }

    /**
     * Not heard.
     *
     * @param mayRunFenced whether it may run units yet that must never run twice
     * @param atMs since when
     */
    MachineRecord lost(boolean mayRunFenced, long atMs) {
        var fields = new Fields(this);
        fields.present = false;
        fields.awaited = false;
        fields.fenced = mayRunFenced;
        fields.lostMs = atMs;
        return fields.record();
    }

    /** It is lost, and what must never run twice runs there no more. */
    MachineRecord fenceOver() {
        return lost(false, lostMs);
    }

    MachineRecord reported(long newSequence) {
        var fields = new Fields(this);
        fields.sequence = newSequence;
        return fields.record();
    }

    /** What it runs is known. */
    MachineRecord told() {
        var fields = new Fields(this);
        fields.awaited = false;
        return fields.record();
    }

    /** What it would take more of the heap if operators said one more thing of it, in bytes; negative for less. */
    public long growthBy(MachineMetadataSet record) {
        return patched(record, operatorsAt).heapBytes() - heapBytes();
    }

    /** With one more thing that operators say of it. */
    MachineRecord patched(MachineMetadataSet record, long changedAt) {
        var changed = new HashMap<>(operators);
        if (record.getDropped()) {
            changed.remove(record.getKey());
        } else {
            changed.put(record.getKey(), record.hasValue() ? Optional.of(record.getValue()) : Optional.empty());
        }
        var fields = new Fields(this);
        fields.operators = changed;
        fields.operatorsAt = changedAt;
        return fields.record();
    }

    /** With another mark. */
    MachineRecord marked(Mark newMark, long changedAt) {
        var fields = new Fields(this);
        fields.mark = newMark;
        fields.operatorsAt = changedAt;
        return fields.record();
    }

    @Override
    public char table() {
        return 'm';
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
        var fields = new Fields(row.getId());
        fields.primaryIp = row.getPrimaryIp();
        fields.announced = row.getAnnouncedMap();
        fields.operators = operators(row.getSetByOperatorsMap(), row.getRemovedByOperatorsList());
        fields.version = row.getVersion();
        fields.agentInstance = row.getAgentInstance();
        fields.bootId = row.getBootId();
        fields.present = row.getPresence() == MachinePresence.MACHINE_PRESENCE_PRESENT;
        fields.sessionEpoch = row.getSessionEpoch();
        fields.sequence = row.getSequence();
        fields.operatorsAt = row.getOperatorsAt();
        fields.awaited = row.getAwaited();
        fields.fenced = row.getFenced();
        fields.mark = Mark.from(row.getMark(), row.getMarkedAt());
        fields.lostMs = row.getLostMs();
        return fields.record();
    }

    private static Map<String, Optional<String>> operators(Map<String, String> set, List<String> removed) {
        var operators = new HashMap<String, Optional<String>>();
        set.forEach((key, value) -> operators.put(key, Optional.of(value)));
        removed.forEach(key -> operators.put(key, Optional.empty()));
        return operators;
    }

    /** By name, for a machine that is new, and for a copy in which some differ. */
    private static final class Fields {
        final String id;
        String primaryIp = "";
        Map<String, String> announced = Map.of();
        Map<String, Optional<String>> operators = Map.of();
        String version = "";
        long agentInstance;
        String bootId = "";
        boolean present;
        long sessionEpoch;
        long sequence;
        long operatorsAt;
        boolean awaited;
        boolean fenced;
        Mark mark = Mark.NONE;
        long lostMs;

        Fields(String id) {
            this.id = id;
        }

        Fields(MachineRecord machine) {
            id = machine.id;
            primaryIp = machine.primaryIp;
            announced = machine.announced;
            operators = machine.operators;
            version = machine.version;
            agentInstance = machine.agentInstance;
            bootId = machine.bootId;
            present = machine.present;
            sessionEpoch = machine.sessionEpoch;
            sequence = machine.sequence;
            operatorsAt = machine.operatorsAt;
            awaited = machine.awaited;
            fenced = machine.fenced;
            mark = machine.mark;
            lostMs = machine.lostMs;
        }

        MachineRecord record() {
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
                    awaited,
                    fenced,
                    mark,
                    lostMs);
        }
    }
}
