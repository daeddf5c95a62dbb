package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The options of the section {@code [X-Fleet]}: their names, and how several values stand on one line. */
final class FleetOptions {
    static final String SECTION = "X-Fleet";

    static final String MACHINE_ID = "MachineID";
    static final String MACHINE_OF = "MachineOf";
    static final String MACHINE_METADATA = "MachineMetadata";
    static final String CONFLICTS = "Conflicts";
    static final String REPLACES = "Replaces";
    static final String GLOBAL = "Global";
    static final String FENCE = "Fence";
    static final String START_FIRST = "StartFirst";

    static final String OLD_MACHINE_ID = "X-ConditionMachineID";
    static final String OLD_MACHINE_BOOT_ID = "X-ConditionMachineBootID";
    static final String OLD_MACHINE_OF = "X-ConditionMachineOf";
    static final String OLD_MACHINE_METADATA = "X-ConditionMachineMetadata";
    static final String OLD_CONFLICTS = "X-Conflicts";

    private static final List<String> CURRENT =
            List.of(MACHINE_ID, MACHINE_OF, MACHINE_METADATA, CONFLICTS, REPLACES, GLOBAL, FENCE, START_FIRST);
    private static final List<String> DEPRECATED =
            List.of(OLD_MACHINE_ID, OLD_MACHINE_BOOT_ID, OLD_MACHINE_OF, OLD_MACHINE_METADATA, OLD_CONFLICTS);
    private static final Pattern DEPRECATED_PREFIX = Pattern.compile("^x-(condition)?");
    private static final Pattern PUNCTUATION = Pattern.compile("[^a-z0-9]");

    /** Names longer than this are compared by their beginnings. */
    private static final int LONGEST_COMPARED = 64;

    private FleetOptions() {}

    /** The section's values by option, each list in the order of the lines. Empty for a file without the section. */
    static Map<String, List<String>> values(UnitFile file) {
        return file.text().contains("[" + SECTION + "]\n") ? values(file.options()) : Map.of();
    }

    /** As {@link #values(UnitFile)}, of a file with these options. */
    static Map<String, List<String>> values(List<UnitOption> options) {
        Map<String, List<String>> values = new LinkedHashMap<>();
        for (UnitOption option : options) {
            if (option.section().equals(SECTION)) {
                values.computeIfAbsent(option.name(), name -> new ArrayList<>())
                        .addAll(split(UnitLexer.unfold(option.value())));
            }
        }
        return values;
    }

    /**
     * Fleet's {@code parseMultivalueLine}: a line in quotes is several values separated by spaces outside the quotes,
     * any other is one value. Quotes are dropped and can't be escaped; two spaces in a row have an empty value between
     * them.
     */
    static List<String> split(String line) {
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

    /** The names to use, for people. */
    static String current() {
        return String.join(", ", CURRENT);
    }

    static boolean isKnown(String name) {
        return CURRENT.contains(name) || DEPRECATED.contains(name);
    }

    /** Whether somebody who wrote this must have meant {@link #SECTION}: letters' case and punctuation aside, one edit at most is missing. */
    static boolean isNearlySection(String section) {
        String start = section.substring(0, Math.min(section.length(), LONGEST_COMPARED));
        String plain = PUNCTUATION.matcher(start.toLowerCase(Locale.ROOT)).replaceAll("");
        return !section.equals(SECTION) && edits(plain, "xfleet") <= 1;
    }

    /**
     * The current name that takes the fewest edits to make from this one, letters' case and old prefixes aside; empty when none is at all
     * like it.
     */
    static Optional<String> nearest(String name) {
        String start =
                name.substring(0, Math.min(name.length(), LONGEST_COMPARED)).toLowerCase(Locale.ROOT);
        String wanted = DEPRECATED_PREFIX.matcher(start).replaceFirst("");
        return CURRENT.stream()
                .min(Comparator.comparingInt(known -> edits(wanted, known.toLowerCase(Locale.ROOT))))
                .filter(known -> edits(wanted, known.toLowerCase(Locale.ROOT)) <= known.length() / 2);
    }

    /** Levenshtein's distance. */
    private static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
