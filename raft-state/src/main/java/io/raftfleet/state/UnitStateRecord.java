package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.StateRow;
import io.raftfleet.proto.model.UnitState;

/**
 * What a machine says of a unit. Held as the message that the agent sent, with the machine's id put in.
 *
 * @param state complete
 */
public record UnitStateRecord(UnitState state) implements StoredRow, UnitStatePlace {
    @Override
    public String name() {
        return state.getName();
    }

    @Override
    public String machineId() {
        return state.getMachineId();
    }

    @Override
    public char table() {
        return 's';
    }

    @Override
    public Object id() {
        return name();
    }

    @Override
    public Object in() {
        return machineId();
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('s', machineId(), name());
    }

    @Override
    public MessageLite rowValue() {
        return StateRow.newBuilder().setState(state).build();
    }

    @Override
    public long heapBytes() {
        return heapBytes(state);
    }

    static long heapBytes(UnitState state) {
        return heapBytes(state.getName()) + HeapBytes.of(state.getError());
    }

    /** Of a state without an error of a unit of this name, which counts although it is mostly the unit's: an orphan's is its own. */
    static long heapBytes(String name) {
        return HeapBytes.STATE + HeapBytes.STATE_PLACES + HeapBytes.ofName(name);
    }
}
