package io.raftfleet.state;

import io.raftfleet.state.raft.ReplicatedState.Row;
import java.util.AbstractList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows that have changed, each once and as it is now, found by what tells rows apart. A hash table that has no objects beside the rows, which
 * are the registry's own: there may be as many as the registry has. Guarded by the registry's lock.
 */
final class ChangedRows {
    private static final int FIRST_ROOM = 64;

    /** Is shown rows. */
    interface Counting {
        /** A row was the first when it came here, and is the second now; null for not there. */
        void replaced(@Nullable StoredRow before, @Nullable StoredRow after);
    }

    private final boolean keepsFormer;
    /** Rows where their hashes put them, or in the next free place; a removed one as it was. At most half full. */
    private @Nullable StoredRow[] rows = new StoredRow[FIRST_ROOM];
    /** By place: what the row was when it came here. Empty when that is not kept. */
    private @Nullable StoredRow[] former;
    /** Places of rows that are removed. */
    private BitSet gone = new BitSet();
    /** Places of rows that are here no longer. Once there are any, no others come. */
    private final BitSet taken = new BitSet();

    private int size;
    /** Where {@link #next(Counting)} goes on. */
    private int next;

    private ChangedRows(boolean keepsFormer) {
        this.keepsFormer = keepsFormer;
        former = new StoredRow[keepsFormer ? FIRST_ROOM : 0];
    }

    /** Empty; what rows were is not remembered. */
    static ChangedRows asTheyAre() {
        return new ChangedRows(false);
    }

    /** Empty; of each row it is remembered what it was when it came here. */
    static ChangedRows withFormer() {
        return new ChangedRows(true);
    }

    /** How many have come here. */
    int size() {
        return size;
    }

    /**
     * A row is this now, or is removed and was this.
     *
     * @param before what it was; counts when it was not here
     */
    void put(@Nullable StoredRow before, StoredRow row, boolean removed) {
        int at = place(row);
        if (rows[at] == null) {
            if (2 * size >= rows.length) {
                grow();
                at = place(row);
            }
            size++;
            if (keepsFormer) {
                former[at] = before;
            }
        }
        rows[at] = row;
        gone.set(at, removed);
    }

    /** Whether a row is here. */
    boolean has(StoredRow row) {
        int at = place(row);
        return rows[at] != null && !taken.get(at);
    }

    /** What a row was that is here, and is here no longer. */
    @Nullable
    StoredRow take(StoredRow row) {
        int at = place(row);
        taken.set(at);
        var before = former[at];
        former[at] = null;
        return before;
    }

    /** Shows one of the rows, each in its turn, after which it is here no longer; says whether there was one. */
    boolean next(Counting counting) {
        for (; next < rows.length; next++) {
            if (rows[next] != null && !taken.get(next)) {
                counting.replaced(former[next], gone.get(next) ? null : rows[next]);
                taken.set(next);
                former[next] = null;
                return true;
            }
        }
        return false;
    }

    /** Shows all rows that are here. */
    void forEach(Counting counting) {
        for (int at = 0; at < rows.length; at++) {
            if (rows[at] != null && !taken.get(at)) {
                counting.replaced(former[at], gone.get(at) ? null : rows[at]);
            }
        }
    }

    /** All of them, each turned into bytes when it is asked for. What happens here later does not change them. */
    List<Row> asRows() {
        var all = new StoredRow[size];
        var removed = new BitSet(size);
        int next = 0;
        for (int at = 0; at < rows.length; at++) {
            var row = rows[at];
            if (row != null) {
                removed.set(next, gone.get(at));
                all[next++] = row;
            }
        }
        return new AbstractList<>() {
            @Override
            public Row get(int index) {
                var row = all[Objects.checkIndex(index, all.length)];
                return new Row(row.rowKey(), removed.get(index) ? null : Deterministic.bytes(row.rowValue()));
            }

            @Override
            public int size() {
                return all.length;
            }
        };
    }

    private void grow() {
        var oldRows = rows;
        var oldFormer = former;
        var oldGone = gone;
        rows = new StoredRow[2 * oldRows.length];
        former = keepsFormer ? new StoredRow[rows.length] : oldFormer;
        gone = new BitSet(rows.length);
        for (int from = 0; from < oldRows.length; from++) {
            var row = oldRows[from];
            if (row != null) {
                int at = place(row);
                rows[at] = row;
                gone.set(at, oldGone.get(from));
                if (keepsFormer) {
                    former[at] = oldFormer[from];
                }
            }
        }
    }

    /** Where a row is, or would be. */
    private int place(StoredRow row) {
        int mask = rows.length - 1;
        int hash = (31 * (31 * row.table() + row.id().hashCode()) + row.in().hashCode()) * 0x9e3779b9;
        int at = (hash ^ (hash >>> 16)) & mask;
        for (; ; at = (at + 1) & mask) {
            var there = rows[at];
            if (there == null
                    || (there.table() == row.table()
                            && there.id().equals(row.id())
                            && there.in().equals(row.in()))) {
                return at;
            }
        }
    }
}
