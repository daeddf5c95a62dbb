package io.raftfleet.state;

import com.google.common.collect.Lists;
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
 * over all rows, the sum of their hashes modulo 2^64 in two lanes, and their bytes on the heap. Owned by the thread that
 * applies.
 */
final class RowLog {
    private final boolean kept;
    private Map<ByteString, Optional<StoredRow>> changed = new HashMap<>();
    private long touches;
    private long low;
    private long high;
    private final Map<Class<? extends StoredRow>, Long> heapBytes = new HashMap<>();

    RowLog() {
        this(true);
    }

    private RowLog(boolean kept) {
        this.kept = kept;
    }

    /** One that remembers nothing: of changes that are no more than thought of. */
    static RowLog unkept() {
        return new RowLog(false);
    }

    /** Whether what it hears of comes to be. */
    boolean kept() {
        return kept;
    }

    /** A table, or an index of one, is about to be changed. */
    void touch() {
        touches++;
    }

    /** Rises with every change of a table that has begun. */
    long touches() {
        return touches;
    }

    void replaced(@Nullable StoredRow before, @Nullable StoredRow after) {
        touch();
        if (!kept) {
            return;
        }
        var row = after != null ? after : before;
        if (row == null) {
            return;
        }
        var key = row.rowKey();
        if (before != null) {
            hash(key, before, -1);
        }
        if (after != null) {
            hash(key, after, 1);
        }
        long grown = (after == null ? 0 : after.heapBytes()) - (before == null ? 0 : before.heapBytes());
        if (grown != 0) {
            heapBytes.merge(row.getClass(), grown, Long::sum);
        }
        changed.put(key, Optional.ofNullable(after));
    }

    /** A row read from a checkpoint: counts in the digest, is no change. */
    void restored(StoredRow row) {
        hash(row.rowKey(), row, 1);
        heapBytes.merge(row.getClass(), row.heapBytes(), Long::sum);
    }

    /** What changed since the last call. Each row is turned into bytes when it is asked for, so that never all are there at once. */
    List<Row> takeChanged() {
        var taken = new ArrayList<>(changed.entrySet());
        changed = new HashMap<>();
        return Lists.transform(
                taken,
                row -> new Row(
                        row.getKey(), row.getValue().map(StoredRow::rowValue).orElse(null)));
    }

    void clear() {
        changed.clear();
        low = 0;
        high = 0;
        heapBytes.clear();
    }

    /** What all rows of a kind take of the heap: the sum of their {@link StoredRow#heapBytes}. */
    long heapBytes(Class<? extends StoredRow> kind) {
        return heapBytes.getOrDefault(kind, 0L);
    }

    ByteString digest() {
        ByteArrayDataOutput out = ByteStreams.newDataOutput(16);
        out.writeLong(high);
        out.writeLong(low);
        return ByteString.copyFrom(out.toByteArray());
    }

    private void hash(ByteString key, StoredRow row, int sign) {
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
