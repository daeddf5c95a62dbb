package io.raftfleet.state;

import com.google.common.hash.HashCode;
import com.google.common.hash.Hashing;
import com.google.common.io.ByteArrayDataOutput;
import com.google.common.io.ByteStreams;
import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Hears of every row that is put, replaced or removed: remembers which changed since the last capture, and keeps a digest
 * over all rows, the sum of their hashes modulo 2^64 in two lanes. Owned by the thread that applies.
 */
final class RowLog {
    private final Map<ByteString, Optional<StoredRow>> changed = new HashMap<>();
    private long low;
    private long high;

    void replaced(@Nullable StoredRow before, @Nullable StoredRow after) {
        if (before != null) {
            count(before, -1);
        }
        if (after != null) {
            count(after, 1);
        }
        var row = after != null ? after : before;
        if (row != null) {
            changed.put(row.rowKey(), Optional.ofNullable(after));
        }
    }

    /** A row read from a checkpoint: counts in the digest, is no change. */
    void restored(StoredRow row) {
        count(row, 1);
    }

    List<Row> takeChanged() {
        var rows = new ArrayList<Row>(changed.size());
        changed.forEach(
                (key, row) -> rows.add(new Row(key, row.map(StoredRow::rowValue).orElse(null))));
        changed.clear();
        return rows;
    }

    void clear() {
        changed.clear();
        low = 0;
        high = 0;
    }

    ByteString digest() {
        ByteArrayDataOutput out = ByteStreams.newDataOutput(16);
        out.writeLong(high);
        out.writeLong(low);
        return ByteString.copyFrom(out.toByteArray());
    }

    private void count(StoredRow row, int sign) {
        ByteString key = row.rowKey();
        HashCode hash = Hashing.murmur3_128()
                .newHasher()
                .putInt(key.size())
                .putBytes(key.toByteArray())
                .putBytes(row.rowValue().toByteArray())
                .hash();
        byte[] bytes = hash.asBytes();
        low += sign * longAt(bytes, 0);
        high += sign * longAt(bytes, 8);
    }

    private static long longAt(byte[] bytes, int at) {
        long value = 0;
        for (int i = at; i < at + 8; i++) {
            value = (value << 8) | (bytes[i] & 0xff);
        }
        return value;
    }
}
