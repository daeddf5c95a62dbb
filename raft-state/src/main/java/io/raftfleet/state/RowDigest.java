package io.raftfleet.state;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import com.google.common.io.ByteArrayDataOutput;
import com.google.common.io.ByteStreams;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A digest over rows, whatever their order: the sum of their hashes modulo 2^64, in two lanes. The hash is over the key's length, the key and
 * the value: the same on every engine and in every version. Not thread-safe.
 */
final class RowDigest {
    private static final HashFunction HASH = Hashing.murmur3_128();

    private long low;
    private long high;
    /** Where rows are written to be hashed. */
    private byte[] scratch = new byte[1024];

    /** The same sum, to go on from. */
    RowDigest copy() {
        var copy = new RowDigest();
        copy.low = low;
        copy.high = high;
        return copy;
    }

    /** A row has taken the place of another one; null for none. */
    void replaced(@Nullable StoredRow before, @Nullable StoredRow after) {
        if (before != null) {
            count(before, -1);
        }
        if (after != null) {
            count(after, 1);
        }
    }

    void clear() {
        low = 0;
        high = 0;
    }

    ByteString sum() {
        ByteArrayDataOutput out = ByteStreams.newDataOutput(2 * Long.BYTES);
        out.writeLong(high);
        out.writeLong(low);
        return ByteString.copyFrom(out.toByteArray());
    }

    private void count(StoredRow row, int times) {
        var key = row.rowKey();
        var value = row.rowValue();
        int head = Integer.BYTES + key.size();
        int length = head + value.getSerializedSize();
        if (scratch.length < length) {
            scratch = new byte[length];
        }
        ByteBuffer.wrap(scratch).order(ByteOrder.LITTLE_ENDIAN).putInt(key.size());
        key.copyTo(scratch, Integer.BYTES);
        Deterministic.write(value, scratch, head, length);
        var hash = ByteBuffer.wrap(HASH.hashBytes(scratch, 0, length).asBytes());
        low += times * hash.getLong();
        high += times * hash.getLong();
    }
}
