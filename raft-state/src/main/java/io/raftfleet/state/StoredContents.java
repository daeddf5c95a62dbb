package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.unit.UnitHash;

/**
 * Contents of unit files, once per hash.
 *
 * @param version when they were stored
 */
record StoredContents(UnitHash hash, String text, long version) implements StoredRow {
    /** Besides the text: record, hash, slot, and the fact with the hash in hexadecimal. */
    private static final long PLACES = 32 + 32 + 24 + HeapBytes.SORTED_ENTRY + 24 + 80 + HeapBytes.SORTED_SELF;

    @Override
    public char table() {
        return 'c';
    }

    @Override
    public Object id() {
        return hash;
    }

    @Override
    public ByteString rowKey() {
        return ByteString.copyFromUtf8("c").concat(hash.toByteString());
    }

    @Override
    public MessageLite rowValue() {
        return ContentsRow.newBuilder()
                .setHash(hash.toByteString())
                .setText(text)
                .setVersion(version)
                .build();
    }

    @Override
    public long heapBytes() {
        return heapBytes(text);
    }

    /** Of contents with this text. */
    static long heapBytes(String text) {
        return PLACES + HeapBytes.of(text);
    }
}
