package io.raftfleet.chaos.traffic;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Names of the units that clients write to together. A name is given up after some operations, or some of unknown outcome,
 * so that the search for an order of its operations stays short. Guarded by its own monitor.
 */
final class UnitPool {
    private static final int NAMES = 10;
    private static final int FENCED = 3;
    private static final int MOST_OPERATIONS = 60;
    private static final int MOST_UNKNOWN = 4;

    private final List<String> names = new ArrayList<>();
    private final List<String> retired = new ArrayList<>();
    private final Deque<String> undestroyed = new ArrayDeque<>();
    private final Map<String, int[]> counts = new HashMap<>();
    private final Map<String, String> contents = new HashMap<>();
    private int made;

    /** @param fenced whether some are of units with {@code Fence=true} */
    UnitPool(boolean fenced) {
        for (int i = 0; i < NAMES; i++) {
            names.add(fresh(fenced && i < FENCED ? Contents.FENCED_NAMES : "r"));
        }
    }

    synchronized String pick(RandomGenerator random) {
        int index = random.nextInt(names.size());
        var name = names.get(index);
        var count = counts.computeIfAbsent(name, n -> new int[2]);
        if (++count[0] > MOST_OPERATIONS || count[1] >= MOST_UNKNOWN) {
            retired.add(name);
            contents.remove(name);
            undestroyed.add(name);
            name = fresh(name.substring(0, 1));
            names.set(index, name);
            counts.computeIfAbsent(name, n -> new int[2])[0]++;
        }
        return name;
    }

    /** Contents for a write to a unit: mostly new ones, one time in five those of the write before. */
    synchronized String contents(String name, RandomGenerator random) {
        var last = contents.get(name);
        if (last != null && random.nextInt(5) == 0) {
            return last;
        }
        var fresh = Contents.fresh(name);
        contents.put(name, fresh);
        return fresh;
    }

    /** A name that is in use, for whoever changes nothing. */
    synchronized String peek(RandomGenerator random) {
        return names.get(random.nextInt(names.size()));
    }

    synchronized void unknown(String name) {
        counts.computeIfAbsent(name, n -> new int[2])[1]++;
    }

    /** All names there ever were. */
    synchronized List<String> all() {
        var all = new ArrayList<>(retired);
        all.addAll(names);
        return all;
    }

    /** A name that was given up and whose unit nobody needs any more. */
    synchronized Optional<String> undestroyed() {
        return Optional.ofNullable(undestroyed.poll());
    }

    private String fresh(String prefix) {
        return prefix + ++made + ".service";
    }
}
