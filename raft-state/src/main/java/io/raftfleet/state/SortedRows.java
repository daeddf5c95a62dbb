package io.raftfleet.state;

import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Rows in the order of their keys: a B+ tree, whose leaves hold up to {@value #MOST} keys and rows in two arrays, so that a row takes some 12
 * bytes here and no object of its own, where a {@code TreeMap} takes one of 40 bytes. What stays and is small is what a collector
 * copies again and again. Finding, adding and removing cost O(log rows); rows that come in their order fill leaves to the last place.
 *
 * <p>As a {@link Map} it is to be read: it changes by {@link #insert}, {@link #delete} and {@link #deleteAll} alone. Whoever is on
 * the way through it when a row comes or goes fails with {@link ConcurrentModificationException}; one in another's place is seen or not. Null is neither key nor row. Guarded by whatever
 * guards what it is part of.
 */
public final class SortedRows<K, V> extends AbstractMap<K, V> {
    /** Keys of a leaf, and children of a node above: within a few cache lines to search, some hundreds of bytes to move. */
    static final int MOST = 64;

    /** With fewer than this a node takes from its neighbour, or becomes one with it. */
    private static final int FEWEST = MOST / 4;

    private static final int FIRST_ROOM = 4;

    /** A leaf, or above it children and, between them, the keys from which on the next child has what there is. */
    private abstract static class Node {
        Object[] keys;
        /** Of keys in a leaf; of children above. */
        int size;

        Node(Object[] keys) {
            this.keys = keys;
        }
    }

    private static final class Leaf extends Node {
        /** Those of the keys; the same array when rows are their own keys. */
        Object[] values;

        @Nullable
        Leaf next;

        Leaf(Object[] keys, Object[] values) {
            super(keys);
            this.values = values;
        }
    }

    private static final class Branch extends Node {
        final Node[] children = new Node[MOST + 1];

        Branch() {
            super(new Object[MOST]);
        }
    }

    private final Comparator<? super K> order;
    /** Whether each row is its own key. */
    private final boolean self;

    private Node root;
    private int rows;
    private int changes;

    private SortedRows(Comparator<? super K> order, boolean self) {
        this.order = order;
        this.self = self;
        root = leaf(FIRST_ROOM);
    }

    /** Empty, for keys in their own order. */
    static <K extends Comparable<? super K>, V> SortedRows<K, V> byKey() {
        return new SortedRows<>(Comparator.naturalOrder(), false);
    }

    /** Empty, for rows that are their own keys. */
    static <K, V extends K> SortedRows<K, V> ofThemselves(Comparator<? super K> order) {
        return new SortedRows<>(order, true);
    }

    @Override
    public int size() {
        return rows;
    }

    @Override
    public boolean containsKey(Object key) {
        return get(key) != null;
    }

    @Override
    public @Nullable V get(Object key) {
        var wanted = this.<K>as(key);
        var leaf = leafOf(wanted);
        int at = find(leaf.keys, leaf.size, wanted);
        return at < 0 ? null : this.<V>as(leaf.values[at]);
    }

    /** Puts a row in the place of that of the same key; returns that one, or null. */
    @Nullable
    V insert(K key, V row) {
        var found = new Found<V>();
        var split = insert(root, key, row, found);
        if (split != null) {
            var above = new Branch();
            above.children[0] = root;
            above.children[1] = split.right;
            above.keys[0] = split.from;
            above.size = 2;
            root = above;
        }
        if (found.row == null) {
            rows++;
            changes++;
        }
        return found.row;
    }

    /** Removes the row of a key; returns it, or null when there is none. */
    @Nullable
    V delete(Object key) {
        var found = new Found<V>();
        delete(root, this.<K>as(key), found);
        while (root instanceof Branch branch && branch.size == 1) {
            root = branch.children[0];
        }
        if (found.row != null) {
            rows--;
            changes++;
        }
        return found.row;
    }

    void deleteAll() {
        changes++;
        root = leaf(FIRST_ROOM);
        rows = 0;
    }

    /** Rows from that of a key on, with it or without: a view, whose size takes counting. */
    public Collection<V> from(K key, boolean inclusive) {
        return view(key, inclusive, (k, row) -> row);
    }

    /** Keys from one on, with it or without: a view, whose size takes counting. */
    public Collection<K> keysFrom(K key, boolean inclusive) {
        return view(key, inclusive, (k, row) -> k);
    }

    @Override
    public Collection<V> values() {
        return new AbstractCollection<>() {
            @Override
            public Iterator<V> iterator() {
                return new Cursor<>(first(), 0, (key, row) -> row);
            }

            @Override
            public int size() {
                return rows;
            }
        };
    }

    @Override
    public Set<K> keySet() {
        return new AbstractSet<>() {
            @Override
            public Iterator<K> iterator() {
                return new Cursor<>(first(), 0, (key, row) -> key);
            }

            @Override
            public int size() {
                return rows;
            }

            @Override
            public boolean contains(Object key) {
                return containsKey(key);
            }
        };
    }

    @Override
    public Set<Map.Entry<K, V>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public Iterator<Map.Entry<K, V>> iterator() {
                return new Cursor<>(first(), 0, Map::entry);
            }

            @Override
            public int size() {
                return rows;
            }
        };
    }

    private <T> Collection<T> view(K key, boolean inclusive, BiFunction<? super K, ? super V, T> shown) {
        return new AbstractCollection<>() {
            @Override
            public Iterator<T> iterator() {
                var leaf = leafOf(key);
                int at = find(leaf.keys, leaf.size, key);
                return new Cursor<>(leaf, at < 0 ? -at - 1 : inclusive ? at : at + 1, shown);
            }

            @Override
            public int size() {
                int size = 0;
                for (var each = iterator(); each.hasNext(); each.next()) {
                    size++;
                }
                return size;
            }
        };
    }

    /** Shows what is in the leaves from a place on. */
    private final class Cursor<T> implements Iterator<T> {
        private final BiFunction<? super K, ? super V, T> shown;
        private final int changesSeen = changes;
        private @Nullable Leaf leaf;
        private int at;

        Cursor(Leaf leaf, int at, BiFunction<? super K, ? super V, T> shown) {
            this.leaf = leaf;
            this.at = at;
            this.shown = shown;
        }

        @Override
        public boolean hasNext() {
            if (changesSeen != changes) {
                return true; // so that next() says so
            }
            while (leaf != null && at >= leaf.size) {
                leaf = leaf.next;
                at = 0;
            }
            return leaf != null;
        }

        @Override
        public T next() {
            if (changesSeen != changes) {
                throw new ConcurrentModificationException();
            }
            if (!hasNext() || leaf == null) {
                throw new NoSuchElementException();
            }
            var next = shown.apply(SortedRows.this.<K>as(leaf.keys[at]), SortedRows.this.<V>as(leaf.values[at]));
            at++;
            return next;
        }
    }

    /** The row that was there. */
    private static final class Found<V> {
        @Nullable
        V row;
    }

    /** What has become too much for a node: its right part, and from which key on that has what there is. */
    private record Split(Object from, Node right) {}

    private @Nullable Split insert(Node node, K key, V row, Found<V> found) {
        if (node instanceof Leaf leaf) {
            return insert(leaf, key, row, found);
        }
        var branch = (Branch) node;
        int child = child(branch, key);
        var split = insert(branch.children[child], key, row, found);
        if (split == null) {
            return null;
        }
        System.arraycopy(branch.children, child + 1, branch.children, child + 2, branch.size - child - 1);
        System.arraycopy(branch.keys, child, branch.keys, child + 1, branch.size - child - 1);
        branch.children[child + 1] = split.right;
        branch.keys[child] = split.from;
        branch.size++;
        if (branch.size <= MOST) {
            return null;
        }
        // What comes in its order leaves full nodes behind.
        int left = child == MOST - 1 ? MOST : branch.size / 2;
        var right = new Branch();
        var from = branch.keys[left - 1];
        right.size = branch.size - left;
        System.arraycopy(branch.children, left, right.children, 0, right.size);
        System.arraycopy(branch.keys, left, right.keys, 0, right.size - 1);
        cut(branch, left);
        return new Split(from, right);
    }

    private @Nullable Split insert(Leaf leaf, K key, V row, Found<V> found) {
        int at = find(leaf.keys, leaf.size, key);
        if (at >= 0) {
            found.row = this.<V>as(leaf.values[at]);
            leaf.keys[at] = key;
            leaf.values[at] = row;
            return null;
        }
        at = -at - 1;
        if (leaf.size < MOST) {
            add(leaf, at, key, row);
            return null;
        }
        int left = at == MOST && leaf.next == null ? MOST : MOST / 2;
        var right = leaf(MOST);
        right.size = MOST - left;
        System.arraycopy(leaf.keys, left, right.keys, 0, right.size);
        if (!self) {
            System.arraycopy(leaf.values, left, right.values, 0, right.size);
        }
        cut(leaf, left);
        right.next = leaf.next;
        leaf.next = right;
        if (at <= left && right.size > 0) {
            add(leaf, at, key, row);
        } else {
            add(right, at - left, key, row);
        }
        return new Split(right.keys[0], right);
    }

    private void add(Leaf leaf, int at, K key, V row) {
        if (leaf.size == leaf.keys.length) {
            int room = Math.min(MOST, 2 * leaf.size);
            leaf.keys = Arrays.copyOf(leaf.keys, room);
            leaf.values = self ? leaf.keys : Arrays.copyOf(leaf.values, room);
        }
        System.arraycopy(leaf.keys, at, leaf.keys, at + 1, leaf.size - at);
        leaf.keys[at] = key;
        if (!self) {
            System.arraycopy(leaf.values, at, leaf.values, at + 1, leaf.size - at);
            leaf.values[at] = row;
        }
        leaf.size++;
    }

    private void delete(Node node, K key, Found<V> found) {
        if (node instanceof Leaf leaf) {
            int at = find(leaf.keys, leaf.size, key);
            if (at >= 0) {
                found.row = this.<V>as(leaf.values[at]);
                System.arraycopy(leaf.keys, at + 1, leaf.keys, at, leaf.size - at - 1);
                if (!self) {
                    System.arraycopy(leaf.values, at + 1, leaf.values, at, leaf.size - at - 1);
                }
                cut(leaf, leaf.size - 1);
            }
            return;
        }
        var branch = (Branch) node;
        int child = child(branch, key);
        delete(branch.children[child], key, found);
        if (found.row != null && branch.children[child].size < FEWEST && branch.size > 1) {
            fill(branch, Math.max(0, child - 1));
        }
    }

    /** Two neighbours become one, or have as much each. */
    private void fill(Branch branch, int left) {
        var one = branch.children[left];
        var two = branch.children[left + 1];
        int both = one.size + two.size;
        int kept = both <= MOST ? both : both / 2;
        if (one instanceof Leaf leaf) {
            share(leaf, (Leaf) two, kept);
        } else {
            share((Branch) one, branch.keys[left], (Branch) two, kept);
        }
        if (kept < both) {
            branch.keys[left] = one instanceof Leaf ? two.keys[0] : Objects.requireNonNull(one.keys[kept - 1]);
            if (one instanceof Branch above) {
                Arrays.fill(above.keys, kept - 1, MOST, null);
            }
            return;
        }
        System.arraycopy(branch.children, left + 2, branch.children, left + 1, branch.size - left - 2);
        System.arraycopy(branch.keys, left + 1, branch.keys, left, branch.size - left - 2);
        cut(branch, branch.size - 1);
    }

    /** The first has so many afterwards, the second the others. */
    private void share(Leaf one, Leaf two, int kept) {
        var keys = joined(one.keys, one.size, two.keys, two.size);
        var values = self ? keys : joined(one.values, one.size, two.values, two.size);
        int both = one.size + two.size;
        one.keys = part(keys, 0, kept);
        one.values = self ? one.keys : part(values, 0, kept);
        one.size = kept;
        two.keys = part(keys, kept, both);
        two.values = self ? two.keys : part(values, kept, both);
        two.size = both - kept;
        if (two.size == 0) {
            one.next = two.next;
        }
    }

    /** The same; the key between the two is left behind the first's last child. */
    private static void share(Branch one, Object between, Branch two, int kept) {
        int both = one.size + two.size;
        var children = new Node[both];
        System.arraycopy(one.children, 0, children, 0, one.size);
        System.arraycopy(two.children, 0, children, one.size, two.size);
        var keys = new Object[both];
        System.arraycopy(one.keys, 0, keys, 0, one.size - 1);
        keys[one.size - 1] = between;
        System.arraycopy(two.keys, 0, keys, one.size, two.size - 1);
        Arrays.fill(one.children, null);
        Arrays.fill(one.keys, null);
        Arrays.fill(two.children, null);
        Arrays.fill(two.keys, null);
        System.arraycopy(children, 0, one.children, 0, kept);
        System.arraycopy(keys, 0, one.keys, 0, Math.min(kept, both - 1));
        one.size = kept;
        two.size = both - kept;
        System.arraycopy(children, kept, two.children, 0, two.size);
        System.arraycopy(keys, kept, two.keys, 0, Math.max(0, two.size - 1));
    }

    private static Object[] joined(Object[] one, int size, Object[] two, int more) {
        var joined = Arrays.copyOf(one, size + more);
        System.arraycopy(two, 0, joined, size, more);
        return joined;
    }

    private static Object[] part(Object[] from, int begin, int end) {
        var part = new Object[MOST];
        System.arraycopy(from, begin, part, 0, end - begin);
        return part;
    }

    /** Forgets what is behind the first so many. */
    private void cut(Node node, int size) {
        if (node instanceof Leaf leaf) {
            Arrays.fill(leaf.keys, size, leaf.size, null);
            if (!self) {
                Arrays.fill(leaf.values, size, leaf.size, null);
            }
        } else {
            Arrays.fill(((Branch) node).children, size, node.size, null);
            Arrays.fill(node.keys, Math.max(0, size - 1), node.size - 1, null);
        }
        node.size = size;
    }

    private Leaf leaf(int room) {
        var keys = new Object[room];
        return new Leaf(keys, self ? keys : new Object[room]);
    }

    private Leaf first() {
        var node = root;
        while (node instanceof Branch branch) {
            node = branch.children[0];
        }
        return (Leaf) node;
    }

    private Leaf leafOf(K key) {
        var node = root;
        while (node instanceof Branch branch) {
            node = branch.children[child(branch, key)];
        }
        return (Leaf) node;
    }

    private int child(Branch branch, K key) {
        int at = find(branch.keys, branch.size - 1, key);
        return at < 0 ? -at - 1 : at + 1;
    }

    /** Where a key is, or the negative of where it would be, less one. */
    private int find(Object[] keys, int size, K key) {
        int low = 0;
        int high = size - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int way = order.compare(this.<K>as(keys[middle]), key);
            if (way < 0) {
                low = middle + 1;
            } else if (way > 0) {
                high = middle - 1;
            } else {
                return middle;
            }
        }
        return -low - 1;
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private <T> T as(Object object) {
        return (T) object;
    }
}
