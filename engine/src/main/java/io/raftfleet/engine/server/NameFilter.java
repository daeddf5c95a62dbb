package io.raftfleet.engine.server;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.state.SortedRows;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which units a call is about: names and globs, all when there are none. Kept as ranges of names without overlap, so that a list
 * in the order of names looks only at what a range contains: each name by itself, globs by what they begin with. Immutable once
 * made.
 */
final class NameFilter {
    /** Names and globs together, as items of a write. */
    static final int MAX_PATTERNS = 10_000;

    static final int MAX_GLOBS = 256;
    /** Of one name or glob, in characters. */
    static final int MAX_LENGTH = 1024;

    private final Set<String> names = new HashSet<>();
    /** By where they begin. */
    private final NavigableMap<String, Range> ranges = new TreeMap<>();

    private final int cost;

    /** Fails with {@code INVALID_ARGUMENT} for a malformed glob, and for more or longer ones than allowed. */
    NameFilter(List<String> patterns) {
        if (patterns.size() > MAX_PATTERNS) {
            throw invalid(patterns.size() + " names and globs; a call takes at most " + MAX_PATTERNS
                    + ": send several, or ask for all");
        }
        var globs = new ArrayList<Glob>();
        for (var pattern : patterns) {
            if (pattern.length() > MAX_LENGTH) {
                throw invalid("a name or glob of " + pattern.length() + " characters; at most " + MAX_LENGTH
                        + " are allowed: it begins with \"" + pattern.substring(0, 40) + "\"");
            }
            var literal = literal(pattern);
            if (literal != null) {
                names.add(literal);
                continue;
            }
            if (globs.size() >= MAX_GLOBS) {
                throw invalid("more than " + MAX_GLOBS + " globs: send several calls, or one with wider globs");
            }
            try {
                globs.add(Glob.compile(pattern));
            } catch (InvalidPatternException e) {
                throw invalid(String.valueOf(e.getMessage()));
            }
        }
        if (patterns.isEmpty()) {
            ranges.put("", new Range("", false, names, List.of()));
        }
        globs.sort(Comparator.comparing(Glob::prefix));
        for (var glob : globs) {
            var range = containing(glob.prefix());
            if (range == null) {
                range = new Range(glob.prefix(), false, names, new ArrayList<>());
                ranges.put(range.first(), range);
            }
            range.globs().add(glob);
        }
        for (var name : names) {
            if (containing(name) == null) {
                ranges.put(name, new Range(name, true, names, List.of()));
            }
        }
        cost = ranges.values().stream().mapToInt(Range::cost).max().orElse(1);
    }

    /** The one name that a glob without wildcards matches; null for others, and malformed ones. */
    private static @Nullable String literal(String pattern) {
        var name = new StringBuilder(pattern.length());
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c == '*' || c == '?' || c == '[' || (c == '\\' && ++i == pattern.length())) {
                return null;
            }
            name.append(pattern.charAt(i));
        }
        return name.toString();
    }

    boolean admits(String name) {
        var range = containing(name);
        return range != null && range.admits(name);
    }

    /** What {@link #admits} may cost, in looks at a name: one, and one more a glob that begins as the name does. */
    int cost() {
        return cost;
    }

    /** The ranges that may have names from this one on, in their order. */
    Collection<Range> from(String name) {
        var before = ranges.floorKey(name);
        return ranges.tailMap(before == null ? name : before, true).values();
    }

    private @Nullable Range containing(String name) {
        var before = ranges.floorEntry(name);
        return before != null && before.getValue().contains(name) ? before.getValue() : null;
    }

    /**
     * Names without a gap between them in the order of names: one alone, or all that begin alike.
     *
     * @param first the name, or what they begin with
     * @param names those of the filter
     * @param globs those of the filter that begin so
     */
    record Range(String first, boolean alone, Set<String> names, List<Glob> globs) {
        boolean contains(String name) {
            return alone ? name.equals(first) : name.startsWith(first);
        }

        /** Whether the filter admits a name that this contains. */
        boolean admits(String name) {
            return (names.isEmpty() && globs.isEmpty())
                    || names.contains(name)
                    || globs.stream().anyMatch(glob -> glob.matches(name));
        }

        int cost() {
            return 1 + globs.size();
        }

        /**
         * Rows by name, from the first that this may contain on, and not before {@code name}: with it or from behind it. What is
         * behind the range follows.
         */
        <V> Collection<V> tail(SortedRows<String, V> rows, String name, boolean inclusive) {
            return first.compareTo(name) > 0 ? rows.from(first, true) : rows.from(name, inclusive);
        }
    }

    private static StatusRuntimeException invalid(String what) {
        return Status.INVALID_ARGUMENT.withDescription(what).asRuntimeException();
    }
}
