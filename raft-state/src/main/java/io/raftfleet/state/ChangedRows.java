package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.security.SecureRandom;
import java.util.AbstractList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows that have changed, each once and as it is now, found by what tells rows apart. A hash table that has no objects beside the rows, which
 * are the registry's own: there may be as many as the registry has. Guarded by the registry's lock.
 *
 * <p>Names whose hashes are the same are easily made. Once rows lie so close that they must have been, they are put where another hash puts
 * them, which nobody outside of this process can know. In which order they are shown depends on that, and nothing else does.
 */
final class ChangedRows {
    private static final int FIRST_ROOM = 64;

    /** Rows that a look may pass: among a million with hashes that are even, the longest passes some 80. */
    private static final int MOST_PASSED = 256;

    /** Odd, of the hash that nobody can know. */
    private static final long SECRET = new SecureRandom().nextLong() | 1;

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

    /** Whether rows are where the hash puts them that nobody can know. */
    private boolean secret;
    /** How many other rows the last look has passed. */
    private int passed;

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

    /** How many other rows the last look for one has passed. */
    int passed() {
        return passed;
    }

    /**
     * A row is this now, or is removed and was this.
     *
     * @param before what it was; counts when it was not here
     */
    void put(@Nullable StoredRow before, StoredRow row, boolean removed) {
        int at = place(row);
        if (rows[at] == null) {
            boolean colliding = !secret && passed > MOST_PASSED;
            if (colliding || 2 * size >= rows.length) {
                secret |= colliding;
                arrange(colliding ? rows.length : 2 * rows.length);
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

    /** Puts all rows where they belong in a table with so much room. */
    private void arrange(int room) {
        var oldRows = rows;
        var oldFormer = former;
        var oldGone = gone;
        rows = new StoredRow[room];
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
        int at = hash(row) & mask;
        for (passed = 0; ; passed++) {
            var there = rows[at];
            if (there == null
                    || (there.table() == row.table()
                            && there.id().equals(row.id())
                            && there.in().equals(row.in()))) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    private int hash(StoredRow row) {
        if (secret) {
            long hash = mixed(row.in(), mixed(row.id(), row.table()));
            return (int) (hash >>> 32);
        }
        int hash = (31 * (31 * row.table() + row.id().hashCode()) + row.in().hashCode()) * 0x9e3779b9;
        return hash ^ (hash >>> 16);
    }

    private static long mixed(Object id, long before) {
        long hash = before;
        if (id instanceof String text) {
            for (int i = 0; i < text.length(); i++) {
                hash = mixed(text.charAt(i), hash);
            }
        } else if (id instanceof ByteString bytes) {
            for (int i = 0; i < bytes.size(); i++) {
                hash = mixed(bytes.byteAt(i), hash);
            }
        } else {
            hash = mixed(id.hashCode(), hash);
        }
        return mixed(-1, hash);
    }

    private static long mixed(int next, long before) {
        long hash = (before + next) * SECRET;
        return hash ^ (hash >>> 32);
    }
}
