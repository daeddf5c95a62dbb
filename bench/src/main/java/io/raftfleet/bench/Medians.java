package io.raftfleet.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Several values of each of several things, in the order in which these were first seen. */
final class Medians {
    private final Map<String, List<Double>> values = new LinkedHashMap<>();

    void add(String what, double value) {
        values.computeIfAbsent(what, none -> new ArrayList<>()).add(value);
    }

    Set<String> things() {
        return values.keySet();
    }

    /** The median of a thing's values, of two in the middle the lower one. */
    double of(String what) {
        return of(values.getOrDefault(what, List.of()));
    }

    /** As {@link #of(String)}. */
    static double of(Collection<Double> values) {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no median of nothing");
        }
        return values.stream().sorted().toList().get((values.size() - 1) / 2);
    }
}
