package io.raftfleet.engine.schedule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The index from unit names to patterns and back. Plain names are found by name; globs by their literal prefix, at the
 * cost of one look-up for each length that prefixes have, plus the globs that share the prefix. Names are kept in order,
 * for globs to find theirs, from the first glob on. Owned by {@link Cluster}.
 */
final class NamePatterns {
    private final Map<String, UnitEntry> units;
    private final Map<String, NamePattern> byText = new HashMap<>();
    private final Map<String, List<NamePattern>> globsByPrefix = new HashMap<>();

    /** How many prefixes have each length. */
    private final NavigableMap<Integer, Integer> prefixLengths = new TreeMap<>();

    private @Nullable NavigableMap<String, UnitEntry> byName;

    NamePatterns(Map<String, UnitEntry> units) {
        this.units = units;
    }

    void unitAdded(UnitEntry unit) {
        if (byName != null) {
            byName.put(unit.name, unit);
        }
    }

    void unitRemoved(UnitEntry unit) {
        if (byName != null) {
            byName.remove(unit.name);
        }
    }

    /** The pattern with this text, made when there is none; one more unit names it. */
    NamePattern acquire(String text) {
        NamePattern pattern = byText.computeIfAbsent(text, NamePattern::new);
        if (pattern.uses++ == 0 && pattern.isGlob()) {
            globsByPrefix
                    .computeIfAbsent(pattern.prefix, prefix -> {
                        prefixLengths.merge(prefix.length(), 1, Integer::sum);
                        return new ArrayList<>(1);
                    })
                    .add(pattern);
        }
        return pattern;
    }

    /** One unit less names it; it goes with the last. */
    void release(NamePattern pattern) {
        if (--pattern.uses > 0) {
            return;
        }
        byText.remove(pattern.text);
        if (pattern.isGlob()) {
            globsByPrefix.computeIfPresent(pattern.prefix, (prefix, globs) -> {
                globs.remove(pattern);
                if (!globs.isEmpty()) {
                    return globs;
                }
                prefixLengths.computeIfPresent(
                        prefix.length(), (length, count) -> count == 1 ? null : Integer.valueOf(count - 1));
                return null;
            });
        }
    }

    /** The patterns that match a name. */
    List<NamePattern> matching(String name) {
        if (byText.isEmpty()) {
            return List.of();
        }
        List<NamePattern> matching = List.of();
        NamePattern plain = byText.get(name);
        if (plain != null && plain.isPlain()) {
            matching = new ArrayList<>(2);
            matching.add(plain);
        }
        for (int length : prefixLengths.headMap(name.length(), true).keySet()) {
            for (NamePattern glob : globsByPrefix.getOrDefault(name.substring(0, length), List.of())) {
                if (glob.matches(name)) {
                    if (matching.isEmpty()) {
                        matching = new ArrayList<>(2);
                    }
                    matching.add(glob);
                }
            }
        }
        return matching;
    }

    /** The units whose names a pattern matches, global ones too, ordered by name. */
    List<UnitEntry> unitsMatching(NamePattern pattern) {
        if (!pattern.isGlob()) {
            UnitEntry unit = pattern.isPlain() ? units.get(pattern.text) : null;
            return unit == null ? List.of() : List.of(unit);
        }
        List<UnitEntry> matching = new ArrayList<>();
        for (UnitEntry unit : byName().tailMap(pattern.prefix, true).values()) {
            if (!unit.name.startsWith(pattern.prefix)) {
                break;
            }
            if (pattern.matches(unit.name)) {
                matching.add(unit);
            }
        }
        return matching;
    }

    private NavigableMap<String, UnitEntry> byName() {
        if (byName == null) {
            byName = new TreeMap<>(units);
        }
        return byName;
    }
}
