package io.raftfleet.state;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.RandomAccess;

/** A list that has an element once for each run of equal ones, and equal elements once. Immutable. */
final class Runs<T> extends AbstractList<T> implements RandomAccess {
    /** Of each run. */
    private final List<T> elements;

    /** Index after each run's last element. */
    private final int[] ends;

    private Runs(List<T> elements, int[] ends) {
        this.elements = elements;
        this.ends = ends;
    }

    static <T> List<T> of(List<T> list) {
        var once = new HashMap<T, T>();
        var elements = new ArrayList<T>();
        int[] ends = new int[list.size()];
        int runs = 0;
        T last = null;
        for (int i = 0; i < ends.length; i++) {
            T next = list.get(i);
            if (runs > 0 && next.equals(last)) {
                ends[runs - 1] = i + 1;
            } else {
                elements.add(once.computeIfAbsent(next, same -> same));
                ends[runs++] = i + 1;
            }
            last = next;
        }
        return new Runs<>(List.copyOf(elements), Arrays.copyOf(ends, runs));
    }

    /** An element for each run, in order, of a list made by {@link #of}. */
    static <T> List<T> runs(List<T> list) {
        return list instanceof Runs<T> runs ? runs.elements : list;
    }

    @Override
    public T get(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("index " + index + " of " + size());
        }
        int at = Arrays.binarySearch(ends, index);
        // Found: the run before ends there, so that the next one holds it.
        return elements.get(at >= 0 ? at + 1 : -at - 1);
    }

    @Override
    public int size() {
        return ends.length == 0 ? 0 : ends[ends.length - 1];
    }
}
