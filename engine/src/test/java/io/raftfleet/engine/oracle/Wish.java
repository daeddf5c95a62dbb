package io.raftfleet.engine.oracle;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * What the lines of a unit's section {@code [X-Fleet]} ask for, read as fleet's documentation on unit files says: every line
 * {@code Option=value}, with several values in double quotes or one without, names that a conflict lists split at spaces, and
 * {@code %n %N %p %i} filled in.
 *
 * @param machineId empty for any machine
 * @param machineIds how many different ones are named, of which the first counts
 * @param metadata for each key that a machine must have, the values that will do
 */
record Wish(
        String machineId,
        long machineIds,
        List<String> peers,
        Map<String, Set<String>> metadata,
        List<String> conflicts,
        List<String> replaces,
        boolean global) {
    private static final Pattern QUOTED = Pattern.compile("\"([^\"]*)\"");

    static Wish of(String name, List<String> lines) {
        return of(lines, value -> filledIn(value, name));
    }

    private static Wish of(List<String> lines, UnaryOperator<String> meaning) {
        var values = new LinkedHashMap<String, List<String>>();
        for (var line : lines) {
            int equals = line.indexOf('=');
            var option = line.substring(0, equals).replaceFirst("^X-Condition|^X-", "");
            var texts = values.computeIfAbsent(option, same -> new ArrayList<>());
            for (var value : split(line.substring(equals + 1))) {
                texts.add(meaning.apply(value));
            }
        }
        var metadata = new LinkedHashMap<String, Set<String>>();
        for (var pair : values.getOrDefault("MachineMetadata", List.of())) {
            var parts = pair.split("=", 2);
            metadata.computeIfAbsent(parts[0], same -> new LinkedHashSet<>()).add(parts[1]);
        }
        var ids = values.getOrDefault("MachineID", List.of());
        var globals = values.getOrDefault("Global", List.of("false"));
        return new Wish(
                ids.isEmpty() ? "" : ids.getFirst(),
                ids.stream().distinct().count(),
                values.getOrDefault("MachineOf", List.of()),
                metadata,
                values.getOrDefault("Conflicts", List.of()).stream()
                        .flatMap(value -> List.of(value.trim().split("\\s+")).stream())
                        .toList(),
                values.getOrDefault("Replaces", List.of()),
                List.of("true", "yes", "1", "on", "t").contains(globals.getLast()));
    }

    /**
     * Whether a unit with these lines is taken. Some options exclude each other, as they are written; nor may a value that is
     * filled in be of no form, or several machines be named: fleet dropped such a requirement without a word.
     */
    static boolean canBeMet(String name, List<String> lines) {
        for (var line : lines) {
            var option = line.substring(0, line.indexOf('='));
            for (var value : split(line.substring(line.indexOf('=') + 1))) {
                var meant = filledIn(value, name);
                boolean pair = meant.matches("[^=]+=[^=]+");
                if (meant.isEmpty() || (option.endsWith("MachineMetadata") && !pair)) {
                    return false;
                }
            }
        }
        return of(lines, value -> value).canBeMet();
    }

    private boolean canBeMet() {
        boolean id = !machineId.isEmpty();
        boolean peered = !peers.isEmpty();
        boolean conflicting = !conflicts.isEmpty();
        boolean replacing = !replaces.isEmpty();
        boolean excluded = machineIds > 1
                || (id && (peered || conflicting || global || replacing))
                || (global && (peered || replacing))
                || (conflicting && replacing);
        return !excluded
                && peers.stream()
                        .noneMatch(peer -> conflicts.stream().anyMatch(pattern -> matches(pattern, peer))
                                || replaces.stream().anyMatch(pattern -> matches(pattern, peer)));
    }

    boolean conflictsWith(String name) {
        return conflicts.stream().anyMatch(pattern -> matches(pattern, name));
    }

    boolean replaces(String name) {
        return replaces.stream().anyMatch(pattern -> matches(pattern, name));
    }

    /** A glob without "/": {@code *}, {@code ?}, and sets and ranges in brackets. */
    static boolean matches(String glob, String name) {
        if (glob.isEmpty()) {
            return name.isEmpty();
        }
        var rest = glob.substring(1);
        var first = name.isEmpty() ? "" : name.substring(0, 1);
        var others = name.isEmpty() ? "" : name.substring(1);
        return switch (glob.charAt(0)) {
            case '*' -> matches(rest, name) || (!name.isEmpty() && matches(glob, others));
            case '?' -> !first.isEmpty() && matches(rest, others);
            case '[' -> {
                int end = glob.indexOf(']') + 1;
                yield first.matches(glob.substring(0, end)) && matches(glob.substring(end), others);
            }
            default -> first.equals(glob.substring(0, 1)) && matches(rest, others);
        };
    }

    private static List<String> split(String value) {
        if (!value.startsWith("\"")) {
            return List.of(value);
        }
        return QUOTED.matcher(value).results().map(found -> found.group(1)).toList();
    }

    private static String filledIn(String value, String name) {
        var stem = name.substring(0, name.lastIndexOf('.'));
        int at = stem.indexOf('@');
        return value.replace("%n", name)
                .replace("%N", stem)
                .replace("%p", at < 0 ? stem : stem.substring(0, at))
                .replace("%i", at < 0 ? "" : stem.substring(at + 1));
    }
}
