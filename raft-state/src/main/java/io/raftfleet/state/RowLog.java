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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hears of every row that is put, replaced or removed: remembers which changed since the last capture, and keeps a digest
 * over all rows, the sum of their hashes modulo 2^64 in two lanes, and their bytes on the heap.
 *
 * <p>A row is hashed some thousand changes after its first one, or when the digest is asked for: most rows change several times in a
 * row, as a unit that is created, placed and started does, and only what was before the first and after the last of these changes counts.
 *
 * <p>Guarded by the registry's lock: changed under the write lock. Under the read lock several may ask for the digest at once; they take
 * {@code counting} for it.
 */
final class RowLog {
    private static final HashFunction HASH = Hashing.murmur3_128();
    /** So many rows at most have changed and are not counted in the digest yet: what counting them takes is some milliseconds. */
    private static final int MOST_UNCOUNTED = 4096;

    /** What has become of a row since the last capture, and what of it the digest knows. */
    private static final class Changed {
        /** As the digest has it; null for not at all. */
        @Nullable
        StoredRow counted;

        /** The row, or what it was when it was removed. */
        StoredRow row;

        boolean gone;
        boolean waits;

        Changed(@Nullable StoredRow counted, StoredRow row) {
            this.counted = counted;
            this.row = row;
        }
    }

    private final boolean kept;
    private final ReentrantLock counting = new ReentrantLock();
    private Map<StoredRow.RowId, Changed> changed = new HashMap<>();
    /** What changed and is not counted yet, in the order of first changes. Some are of before the last capture. */
    private final ArrayDeque<Changed> uncounted = new ArrayDeque<>();

    private final Map<Class<? extends StoredRow>, Long> heapBytes = new HashMap<>();
    private long touches;
    private long low;
    private long high;
    /** Where rows are written to be hashed. */
    private byte[] scratch = new byte[1024];

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
        var change = changed.computeIfAbsent(row.rowId(), id -> new Changed(before, row));
        change.row = row;
        change.gone = after == null;
        if (!change.waits) {
            change.waits = true;
            uncounted.add(change);
            if (uncounted.size() > MOST_UNCOUNTED) {
                count(uncounted.remove());
            }
        }
        long grown = (after == null ? 0 : after.heapBytes()) - (before == null ? 0 : before.heapBytes());
        if (grown != 0) {
            heapBytes.merge(row.getClass(), grown, Long::sum);
        }
    }

    /** A row read from a checkpoint: counts in the digest, is no change. */
    void restored(StoredRow row) {
        count(row, 1);
        heapBytes.merge(row.getClass(), row.heapBytes(), Long::sum);
    }

    /** What changed since the last call. Each row is turned into bytes when it is asked for, so that never all are there at once. */
    List<Row> takeChanged() {
        var taken = new ArrayList<>(changed.values());
        changed = new HashMap<>(); // so that what was taken stays as it is
        return Lists.transform(
                taken,
                change ->
                        new Row(change.row.rowKey(), change.gone ? null : Deterministic.bytes(change.row.rowValue())));
    }

    void clear() {
        changed = new HashMap<>();
        uncounted.clear();
        low = 0;
        high = 0;
        heapBytes.clear();
    }

    /** What all rows of a kind take of the heap: the sum of their {@link StoredRow#heapBytes}. */
    long heapBytes(Class<? extends StoredRow> kind) {
        return heapBytes.getOrDefault(kind, 0L);
    }

    ByteString digest() {
        counting.lock();
        try {
            while (!uncounted.isEmpty()) {
                count(uncounted.remove());
            }
            ByteArrayDataOutput out = ByteStreams.newDataOutput(16);
            out.writeLong(high);
            out.writeLong(low);
            return ByteString.copyFrom(out.toByteArray());
        } finally {
            counting.unlock();
        }
    }

    private void count(Changed change) {
        if (change.counted != null) {
            count(change.counted, -1);
        }
        if (!change.gone) {
            count(change.row, 1);
        }
        change.counted = change.gone ? null : change.row;
        change.waits = false;
    }

    /** The hash is over the key's length, the key and the value: the same on every engine and in every version. */
    private void count(StoredRow row, int times) {
        var key = row.rowKey();
        var value = row.rowValue();
        int head = Integer.BYTES + key.size();
        int length = head + value.getSerializedSize();
        if (scratch.length < length) {
            scratch = new byte[Integer.highestOneBit(length) << 1];
        }
        ByteBuffer.wrap(scratch).order(ByteOrder.LITTLE_ENDIAN).putInt(key.size());
        key.copyTo(scratch, Integer.BYTES);
        Deterministic.write(value, scratch, head, length);
        var hash = ByteBuffer.wrap(HASH.hashBytes(scratch, 0, length).asBytes());
        low += times * hash.getLong();
        high += times * hash.getLong();
    }
}
