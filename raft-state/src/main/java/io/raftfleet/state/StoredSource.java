package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.unit.UnitSource;

/**
 * A unit file as it was submitted, once for all units that have it.
 *
 * @param digest SHA-256 of the text, in hexadecimal
 * @param version when it was stored
 */
record StoredSource(String digest, String text, long version) implements StoredRow {
    /** Besides the text: record, digest, slot and fact. */
    private static final long PLACES = 32 + 104 + 24 + HeapBytes.SORTED_ENTRY + 24 + HeapBytes.SORTED_SELF;

    @Override
    public char table() {
        return 'f';
    }

    @Override
    public Object id() {
        return digest;
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('f', digest);
    }

    @Override
    public MessageLite rowValue() {
        return SourceRow.newBuilder()
                .setDigest(UnitSource.toBytes(digest))
                .setText(text)
                .setVersion(version)
                .build();
    }

    @Override
    public long heapBytes() {
        return heapBytes(text);
    }

    /** Of a file with this text. */
    static long heapBytes(String text) {
        return PLACES + HeapBytes.of(text);
    }

    static StoredSource from(SourceRow row) {
        var digest = UnitSource.toHex(row.getDigest());
        if (digest == null) {
            throw new IllegalStateException("a checkpoint row of a unit file without its digest");
        }
        return new StoredSource(digest, row.getText(), row.getVersion());
    }
}
