package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.RevocationRow;
import io.raftfleet.proto.model.Principal;

/**
 * Certificates of a name that are not taken any more.
 *
 * @param who the name
 * @param beforeMs Unix time before which they began
 */
public record Revoked(Principal who, long beforeMs) implements StoredRow {
    @Override
    public char table() {
        return 'v';
    }

    @Override
    public Object id() {
        return who.getName();
    }

    @Override
    public Object in() {
        return who.getKindValue();
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('v', Integer.toString(who.getKindValue()), who.getName());
    }

    @Override
    public MessageLite rowValue() {
        return RevocationRow.newBuilder().setWho(who).setBeforeMs(beforeMs).build();
    }

    @Override
    public long heapBytes() {
        return 200 + HeapBytes.of(who.getName());
    }

    static Revoked from(RevocationRow row) {
        return new Revoked(row.getWho(), row.getBeforeMs());
    }
}
