package io.raftfleet.state;

import com.google.common.base.Suppliers;
import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Hears of every row that is put, replaced or removed: remembers which changed since the last capture, and keeps a {@link RowDigest} over
 * all rows, and their bytes on the heap. Guarded by the registry's lock.
 *
 * <p>A row is counted in the digest {@value #MOST_UNCOUNTED} changed rows later, or half as many: most change several times in a row, as a unit that
 * is created, placed and started does, or a machine that reports, and only what was before the first and after the last of these changes
 * counts. Whoever asks for the digest counts the others for himself, under no lock.
 */
final class RowLog {
    private static final int MOST_UNCOUNTED = 1 << 14;

    /** What the digest does not know of a row yet. */
    private record Uncounted(
            @Nullable StoredRow before, @Nullable StoredRow after) {}

    private final boolean kept;
    /** Since the last capture. */
    private ChangedRows changed = ChangedRows.asTheyAre();
    /** What changed and is not counted yet: collected here until they are half of the most, */
    private ChangedRows uncounted = ChangedRows.withFormer();
    /** and then, while the others come, counted here one after the other. */
    private ChangedRows counting = ChangedRows.withFormer();

    private final RowDigest counted = new RowDigest();
    private final Map<Class<? extends StoredRow>, Long> heapBytes = new HashMap<>();
    private long touches;

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
        boolean gone = after == null;
        changed.put(null, row, gone);
        boolean waits = !uncounted.has(row) && counting.has(row);
        uncounted.put(waits ? counting.take(row) : before, row, gone);
        // As many at least as come to be uncounted, so that none is left when it is their turn.
        if (counting.next(counted::replaced)) {
            counting.next(counted::replaced);
        }
        if (uncounted.size() >= MOST_UNCOUNTED / 2) {
            counting = uncounted;
            uncounted = ChangedRows.withFormer();
        }
        long grown = (after == null ? 0 : after.heapBytes()) - (before == null ? 0 : before.heapBytes());
        if (grown != 0) {
            heapBytes.merge(row.getClass(), grown, Long::sum);
        }
    }

    /** A row read from a checkpoint: counts in the digest, is no change. */
    void restored(StoredRow row) {
        counted.replaced(null, row);
        heapBytes.merge(row.getClass(), row.heapBytes(), Long::sum);
    }

    /** What changed since the last call. Each row is turned into bytes when it is asked for, so that never all are there at once. */
    List<Row> takeChanged() {
        var taken = changed.asRows();
        changed = ChangedRows.asTheyAre();
        return taken;
    }

    void clear() {
        changed = ChangedRows.asTheyAre();
        uncounted = ChangedRows.withFormer();
        counting = ChangedRows.withFormer();
        counted.clear();
        heapBytes.clear();
    }

    /** What all rows of a kind take of the heap: the sum of their {@link StoredRow#heapBytes}. */
    long heapBytes(Class<? extends StoredRow> kind) {
        return heapBytes.getOrDefault(kind, 0L);
    }

    /** The digest as of now, worked out when it is asked for: that takes some hundredths of a second at worst. */
    Supplier<ByteString> digest() {
        var digest = counted.copy();
        var rest = new ArrayList<Uncounted>();
        counting.forEach((before, after) -> rest.add(new Uncounted(before, after)));
        uncounted.forEach((before, after) -> rest.add(new Uncounted(before, after)));
        return Suppliers.memoize(() -> {
            rest.forEach(row -> digest.replaced(row.before(), row.after()));
            return digest.sum();
        });
    }
}
