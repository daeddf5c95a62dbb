package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.UnitValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The keys of machines' metadata that clients patch, which no agent announces. One with too many operations of unknown outcome,
 * or too many at all, is given up for another, so that the search for an order stays short. Guarded by its own monitor.
 */
public final class Metadata {
    /** What keys begin with, and no others. */
    public static final String PREFIX = "chaos-";

    private static final int KEYS = 2;
    private static final int MOST_OPERATIONS = 60;
    private static final int MOST_UNKNOWN = 4;

    private final List<String> names = new ArrayList<>();
    private final List<String> retired = new ArrayList<>();
    private final Map<String, int[]> counts = new HashMap<>();
    private int made;
    private long values;

    Metadata(List<String> machines) {
        for (var machine : machines) {
            for (int i = 0; i < KEYS; i++) {
                names.add(fresh(machine));
            }
        }
    }

    /** The next operation of a client: half are reads, one in ten removes, the others set a value that nobody has set before. */
    synchronized Call next(RandomGenerator random) {
        int index = random.nextInt(names.size());
        var name = names.get(index);
        var count = counts.computeIfAbsent(name, n -> new int[2]);
        if (++count[0] > MOST_OPERATIONS || count[1] >= MOST_UNKNOWN) {
            retired.add(name);
            name = fresh(machine(name));
            names.set(index, name);
            counts.computeIfAbsent(name, n -> new int[2])[0]++;
        }
        int dice = random.nextInt(10);
        return dice < 5
                ? Call.of(Kind.READ_METADATA, name, "", "")
                : Call.of(Kind.PATCH, name, dice < 6 ? "" : "m" + ++values, "");
    }

    synchronized void unknown(String name) {
        counts.computeIfAbsent(name, n -> new int[2])[1]++;
    }

    /** All that there ever were. */
    synchronized List<String> all() {
        var all = new ArrayList<>(retired);
        all.addAll(names);
        return all;
    }

    private String fresh(String machine) {
        return machine + "/" + PREFIX + ++made;
    }

    static String machine(String name) {
        return name.substring(0, name.indexOf('/'));
    }

    static String key(String name) {
        return name.substring(name.indexOf('/') + 1);
    }

    static Answer found(@Nullable String value) {
        return Answer.found(value == null ? null : new UnitValue(value, ""), null);
    }
}
