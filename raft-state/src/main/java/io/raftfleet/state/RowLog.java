package io.raftfleet.state;

import com.google.common.collect.Lists;
import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import com.google.common.io.ByteArrayDataOutput;
import com.google.common.io.ByteStreams;
import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Hears of every row that is put, replaced or removed: remembers which changed since the last capture, and keeps a digest
 * over all rows, the sum of their hashes modulo 2^64 in two lanes, and their bytes on the heap. Owned by the thread that
 * applies.
 */
final class RowLog {
    private static final HashFunction HASH = Hashing.murmur3_128();

    /**
     * What has become of a row, with its hash in two lanes and its bytes on the heap, which the next change of it takes away
     * again.
     */
    private record Changed(@Nullable StoredRow row, long low, long high, long heapBytes) {
        static final Changed GONE = new Changed(null, 0, 0, 0);

        /** Whether it is of this very row: comparing all of it would take longer than hashing it again. */
        @SuppressWarnings("ReferenceEquality")
        boolean of(StoredRow other) {
            return row == other;
        }
    }

    private final boolean kept;
    private Map<ByteString, Changed> changed = new HashMap<>();
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
        var now = after == null ? Changed.GONE : hashed(key, after);
        var last = changed.put(key, now);
        var was = before == null ? Changed.GONE : last != null && last.of(before) ? last : hashed(key, before);
        low += now.low() - was.low();
        high += now.high() - was.high();
        long grown = now.heapBytes() - was.heapBytes();
        if (grown != 0) {
            heapBytes.merge(row.getClass(), grown, Long::sum);
        }
    }

    /** A row read from a checkpoint: counts in the digest, is no change. */
    void restored(StoredRow row) {
        var now = hashed(row.rowKey(), row);
        low += now.low();
        high += now.high();
        heapBytes.merge(row.getClass(), now.heapBytes(), Long::sum);
    }

    /** What changed since the last call. Each row is turned into bytes when it is asked for, so that never all are there at once. */
    List<Row> takeChanged() {
        var taken = new ArrayList<>(changed.entrySet());
        changed = new HashMap<>();
        return Lists.transform(taken, row -> {
            var stored = row.getValue().row();
            return new Row(row.getKey(), stored == null ? null : Deterministic.bytes(stored.rowValue()));
        });
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

    /** The hash is over the key's length, the key and the value: the same on every engine and in every version. */
    private static Changed hashed(ByteString key, StoredRow row) {
        var value = row.rowValue();
        int head = Integer.BYTES + key.size();
        var bytes = new byte[head + value.getSerializedSize()];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(key.size());
        key.copyTo(bytes, Integer.BYTES);
        Deterministic.write(value, bytes, head);
        var hash = ByteBuffer.wrap(HASH.hashBytes(bytes).asBytes());
        return new Changed(row, hash.getLong(), hash.getLong(), row.heapBytes());
    }
}
