package io.raftfleet.unit;

import io.raftfleet.proto.log.MetadataChoice;
import io.raftfleet.proto.log.UnitFacts;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a stored unit file asks of machines as version 0.1 read it: for units whose records do not say so, because they were
 * written before all engines read entry format 3. Every engine reads those for itself, in every version, and all must read the
 * same: so this is frozen. It must never change, whatever becomes of {@link UnitFile} and {@link Requirements}, and uses neither.
 *
 * <p>Reads what version 0.1 stored, which is go-systemd's serialisation: each section's header and each option at the start of a
 * line, continued values with their line breaks.
 */
public final class LegacyFacts {
    /** Version 0.1 may refuse a file with a line as long as this, in bytes. */
    private static final int LINE_MAX = 2048;

    private static final int MAX_CHARACTERS = 16 * 1024;

    private static final Set<String> OPTIONS = Set.of(
            "MachineID",
            "MachineOf",
            "MachineMetadata",
            "Conflicts",
            "Replaces",
            "Global",
            "Fence",
            "X-ConditionMachineID",
            "X-ConditionMachineBootID",
            "X-ConditionMachineOf",
            "X-ConditionMachineMetadata",
            "X-Conflicts");

    private static final Set<String> TRUE_WORDS = Set.of("true", "yes", "1", "on", "t");

    private LegacyFacts() {}

    /**
     * What the unit of this name asks of machines.
     *
     * @param name of a unit that a leader has let in: that it is valid is not looked at again
     * @param text as it is stored
     * @throws IllegalArgumentException if version 0.1 could not make sense of it: no leader has stored such a file
     */
    public static UnitFacts of(String name, String text) {
        Map<String, List<String>> values = values(text);
        if (values.isEmpty()) {
            return UnitFacts.getDefaultInstance();
        }
        check(values);
        values.replaceAll((option, list) ->
                list.stream().map(value -> expand(name, value)).toList());
        check(values);
        UnitFacts.Builder facts = UnitFacts.newBuilder()
                .setGlobal(isTrue(values, "Global"))
                .setFence(isTrue(values, "Fence"))
                .addAllPeers(all(values, "X-ConditionMachineOf", "MachineOf"))
                .addAllReplaces(all(values, "Replaces"));
        for (String key : List.of("MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID")) {
            List<String> ids = values.get(key);
            if (ids != null && !facts.hasMachineId()) {
                facts.setMachineId(ids.getFirst());
            }
        }
        all(values, "X-Conflicts", "Conflicts").forEach(patterns -> facts.addAllConflicts(Text.words(patterns)));
        metadata(all(values, "X-ConditionMachineMetadata", "MachineMetadata"))
                .forEach((key, choices) -> facts.addMetadata(
                        MetadataChoice.newBuilder().setKey(key).addAllValues(choices)));
        return facts.build();
    }

    /** Whether engines of version 0.1 read this file, and read that this is what it asks for. */
    public static boolean agree(String name, String text, UnitFacts facts) {
        for (String line : text.split("\n", -1)) {
            if (SafeText.bytes(line) >= LINE_MAX) {
                return false;
            }
        }
        try {
            return of(name, text).equals(facts);
        } catch (IllegalArgumentException senseless) {
            return false;
        }
    }

    private static void check(Map<String, List<String>> values) {
        if (!OPTIONS.containsAll(values.keySet())) {
            throw new IllegalArgumentException("[X-Fleet] has an option that version 0.1 does not know");
        }
        long characters = values.values().stream()
                .flatMap(List::stream)
                .mapToLong(value -> value.length() + 1)
                .sum();
        if (characters > MAX_CHARACTERS) {
            throw new IllegalArgumentException("[X-Fleet] has " + characters + " characters");
        }
    }

    /** The values of the section's options, several on one line taken apart. */
    private static Map<String, List<String>> values(String text) {
        Map<String, List<String>> values = new LinkedHashMap<>();
        boolean inSection = false;
        int at = text.indexOf('[');
        while (at >= 0 && at < text.length()) {
            if (Text.isSpace(text.charAt(at))) {
                at++;
            } else if (text.charAt(at) == '[') {
                int end = text.indexOf(']', at);
                if (end < 0
                        || !Text.trim(text.substring(end + 1, lineEnd(text, end)))
                                .isEmpty()) {
                    throw new IllegalArgumentException("a section header does not end with its line");
                }
                inSection = text.substring(at + 1, end).equals("X-Fleet");
                at = lineEnd(text, end) + 1;
            } else {
                int equals = text.indexOf('=', at);
                if (equals < 0 || equals > lineEnd(text, at)) {
                    throw new IllegalArgumentException("a line has no \"=\"");
                }
                String option = Text.trim(text.substring(at, equals));
                StringBuilder value = new StringBuilder();
                at = readValue(text, equals + 1, value);
                if (inSection) {
                    values.computeIfAbsent(option, o -> new ArrayList<>()).addAll(split(value.toString()));
                }
            }
        }
        return values;
    }

    /** Reads a value, and the lines that continue it; returns where the next line begins. */
    private static int readValue(String text, int start, StringBuilder value) {
        int line = start;
        int end = start;
        boolean newlineLast = false;
        while (true) {
            int lineEnd = lineEnd(text, line);
            int next = Math.min(lineEnd + 1, text.length());
            if (Text.trim(text.substring(line, lineEnd)).isEmpty()) {
                line = next;
                break;
            }
            boolean continued = text.charAt(lineEnd - 1) == '\\';
            newlineLast = continued && lineEnd < text.length();
            end = newlineLast ? next : lineEnd;
            line = next;
            if (!continued) {
                break;
            }
        }
        value.append(Text.trim(text.substring(start, end))).append(newlineLast ? "\n" : "");
        return line;
    }

    private static int lineEnd(String text, int from) {
        int end = text.indexOf('\n', from);
        return end < 0 ? text.length() : end;
    }

    /** A line in quotes is several values separated by spaces outside the quotes, any other is one value. */
    private static List<String> split(String line) {
        if (!line.startsWith("\"") || !line.endsWith("\"")) {
            return List.of(line);
        }
        List<String> values = new ArrayList<>();
        StringBuilder value = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            } else if (c == ' ' && !quoted) {
                values.add(value.toString());
                value.setLength(0);
            } else {
                value.append(c);
            }
        }
        values.add(value.toString());
        return values;
    }

    private static String expand(String name, String value) {
        if (value.indexOf('%') < 0) {
            return value;
        }
        int dot = name.lastIndexOf('.');
        int at = name.indexOf('@') < dot ? name.indexOf('@') : -1;
        return value.replace("%n", name)
                .replace("%N", name.substring(0, dot))
                .replace("%p", name.substring(0, at < 0 ? dot : at))
                .replace("%i", at < 0 ? "" : name.substring(at + 1, dot));
    }

    private static List<String> all(Map<String, List<String>> values, String... options) {
        List<String> all = new ArrayList<>();
        for (String option : options) {
            all.addAll(values.getOrDefault(option, List.of()));
        }
        return all;
    }

    /** Values that are not of the form {@code key=value} are passed over. */
    private static Map<String, Set<String>> metadata(List<String> pairs) {
        Map<String, Set<String>> metadata = new LinkedHashMap<>();
        for (String pair : pairs) {
            int equals = pair.indexOf('=');
            if (equals > 0 && equals < pair.length() - 1 && pair.indexOf('=', equals + 1) < 0) {
                metadata.computeIfAbsent(pair.substring(0, equals), key -> new LinkedHashSet<>())
                        .add(pair.substring(equals + 1));
            }
        }
        return metadata;
    }

    /** The last value counts. */
    private static boolean isTrue(Map<String, List<String>> values, String option) {
        List<String> written = values.getOrDefault(option, List.of());
        return !written.isEmpty() && TRUE_WORDS.contains(written.getLast().toLowerCase(Locale.ROOT));
    }
}
