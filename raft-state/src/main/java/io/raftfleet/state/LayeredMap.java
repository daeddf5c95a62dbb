package io.raftfleet.state;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a table keeps its rows in: all of them, or the changes over another table's, which is left as it is. Changes take space
 * and time in proportion to themselves and to what is looked at, whatever is below. Guarded by whatever guards the table.
 */
final class LayeredMap<K, V> {
    private final @Nullable LayeredMap<K, V> below;
    /** Of a layer over another one: those at the bottom, not looked at. */
    private final SortedRows<K, V> rows;
    /** Of a layer over another one: what is there by a key, as it was put here, or as it is below; null for nothing. */
    private final Map<K, @Nullable V> known = new HashMap<>();

    private LayeredMap(@Nullable LayeredMap<K, V> below, SortedRows<K, V> rows) {
        this.below = below;
        this.rows = rows;
    }

    /** An empty map, over nothing. */
    static <K extends Comparable<? super K>, V> LayeredMap<K, V> empty() {
        return new LayeredMap<>(null, SortedRows.<K, V>byKey());
    }

    /** Changes over this map. As long as there are any, nothing else may change this one. */
    LayeredMap<K, V> over() {
        return new LayeredMap<>(this, rows);
    }

    @Nullable
    V get(K key) {
        if (below == null) {
            return rows.get(key);
        }
        var value = known.get(key);
        if (value == null && !known.containsKey(key)) {
            value = below.get(key);
            known.put(key, value);
        }
        return value;
    }

    void put(K key, V value) {
        if (below == null) {
            rows.insert(key, value);
        } else {
            known.put(key, value);
        }
    }

    void remove(K key) {
        if (below == null) {
            rows.delete(key);
        } else {
            known.put(key, null);
        }
    }

    /** All rows in their order, to be read; of a map over nothing. */
    SortedRows<K, V> all() {
        if (below != null) {
            throw new IllegalStateException("changes over a table can't be listed with what is below");
        }
        return rows;
    }

    void clear() {
        known.clear();
        if (below == null) {
            rows.deleteAll();
        }
    }
}
