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
public record UnitStateRecord(UnitState state) implements StoredRow {
    /** What a state without an error takes of the heap, in bytes. */
    static final long WITHOUT_ERROR = HeapBytes.STATE + HeapBytes.STATE_PLACES;

    public String name() {
        return state.getName();
    }

    public String machineId() {
        return state.getMachineId();
    }

    @Override
    public RowId rowId() {
        return new RowId('s', name(), machineId());
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
        return WITHOUT_ERROR + HeapBytes.of(state.getError());
    }
}
