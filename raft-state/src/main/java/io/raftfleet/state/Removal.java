package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.RemovalRow;

/** A fact that is no more, and since which version. */
record Removal(Fact.Kind kind, String id, long version) implements StoredRow, Comparable<Removal> {
    @Override
    public char table() {
        return 'x';
    }

    @Override
    public Object in() {
        return kind;
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('x', kind.letter(), id);
    }

    @Override
    public MessageLite rowValue() {
        return RemovalRow.newBuilder()
                .setKind(kind.letter())
                .setId(id)
                .setVersion(version)
                .build();
    }

    @Override
    public long heapBytes() {
        return 32 + 24 + 2 * HeapBytes.SORTED_SELF + HeapBytes.HASH_ENTRY + HeapBytes.of(id);
    }

    static Removal from(RemovalRow row) {
        return new Removal(Fact.Kind.of(row.getKind()), row.getId(), row.getVersion());
    }

    @Override
    public int compareTo(Removal other) {
        int order = Long.compare(version, other.version);
        if (order == 0) {
            order = kind.compareTo(other.kind);
        }
        return order != 0 ? order : id.compareTo(other.id);
    }
}
