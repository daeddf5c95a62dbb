package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.DepartureRow;

/**
 * A unit that a machine had and shall have no longer: it was destroyed, unloaded or moved. Kept until the machine reports it
 * gone, however long the machine is away; while the machine is present, the unit is not started elsewhere, unless it asks to be started first.
 */
public record Departure(String machineId, String name) implements StoredRow {
    @Override
    public char table() {
        return 'd';
    }

    @Override
    public Object id() {
        return name;
    }

    @Override
    public Object in() {
        return machineId;
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('d', machineId, name);
    }

    @Override
    public MessageLite rowValue() {
        return DepartureRow.newBuilder().setMachineId(machineId).setName(name).build();
    }

    @Override
    public long heapBytes() {
        return 2 * (HeapBytes.TREE_ENTRY + HeapBytes.HASH_ENTRY + 64) + HeapBytes.of(name);
    }
}
