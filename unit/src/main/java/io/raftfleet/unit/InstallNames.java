package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Names of units in a file's section {@code [Install]}, as systemd reads them ({@code systemd.unit(5)}): words, perhaps in quotes, with
 * specifiers filled in; an empty assignment takes back those before it.
 */
public final class InstallNames {
    /** The units that are to pull this one in. */
    public static final Set<String> DEPENDENCIES = Set.of("WantedBy", "RequiredBy", "UpheldBy");

    /** Other names of the unit. */
    public static final String ALIAS = "Alias";

    private static final String SECTION = "Install";
    private static final Pattern WHITESPACE = Pattern.compile("\\s+");

    private InstallNames() {}

    /**
     * Words that name a unit, and those that don't.
     *
     * @param names specifiers filled in
     * @param faults as they are written
     */
    public record Found(List<String> names, List<String> faults) {}

    /**
     * What one option names.
     *
     * @param option one of {@link #DEPENDENCIES}, or {@link #ALIAS}
     */
    public static Found of(UnitName unit, UnitFile file, String option) {
        return of(unit, file.values(SECTION, option), option);
    }

    private static Found of(UnitName unit, List<String> values, String option) {
        List<String> names = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        for (String value : values) {
            String words = value.strip();
            if (words.isEmpty()) {
                names.clear();
                faults.clear();
                continue;
            }
            for (String word : WHITESPACE.splitAsStream(words).toList()) {
                expand(unit, unquoted(word))
                        .filter(UnitName::isValid)
                        .filter(name -> !option.equals(ALIAS) || name.endsWith("." + unit.type()))
                        .ifPresentOrElse(names::add, () -> faults.add(word));
            }
        }
        return new Found(List.copyOf(names), List.copyOf(faults));
    }

    /**
     * A unit that can't be enabled is not loaded, as fleet has it. Of a template that is known of its instances alone.
     *
     * @throws InvalidUnitException naming the first word that is no name of a unit
     */
    static void check(UnitName unit, List<UnitOption> options) throws InvalidUnitException {
        Map<String, List<String>> values = new LinkedHashMap<>();
        for (UnitOption option : options) {
            String name = option.name();
            if (option.section().equals(SECTION) && (name.equals(ALIAS) || DEPENDENCIES.contains(name))) {
                values.computeIfAbsent(name, none -> new ArrayList<>()).add(UnitLexer.unfold(option.value()));
            }
        }
        for (Map.Entry<String, List<String>> option : values.entrySet()) {
            for (String word : of(unit, option.getValue(), option.getKey()).faults()) {
                if (!unit.isTemplate() || word.indexOf('%') < 0) {
                    throw fault(unit, option.getKey(), word);
                }
            }
        }
    }

    private static InvalidUnitException fault(UnitName unit, String option, String word) {
        String what =
                option.equals(ALIAS) ? " can't be another name of a " + unit.type() : " is not the name of a unit";
        String how = word.indexOf('%') < 0 ? "" : "; of specifiers %n, %N, %p, %i and %j are filled in here";
        return new InvalidUnitException(unit.name(), "[" + SECTION + "] " + option, Text.quote(word) + what + how);
    }

    private static String unquoted(String word) {
        boolean quoted = word.length() >= 2
                && (word.charAt(0) == '"' || word.charAt(0) == '\'')
                && word.charAt(word.length() - 1) == word.charAt(0);
        return quoted ? word.substring(1, word.length() - 1) : word;
    }

    /** Fills in specifiers; empty when there is one that does not come from the unit's name. */
    private static Optional<String> expand(UnitName unit, String text) {
        StringBuilder expanded = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '%') {
                expanded.append(c);
                continue;
            }
            switch (++i < text.length() ? text.charAt(i) : ' ') {
                case 'n' -> expanded.append(unit.name());
                case 'N' -> expanded.append(unit.nameWithoutType());
                case 'p' -> expanded.append(unit.prefix());
                case 'i' -> expanded.append(unit.instance());
                case 'j' ->
                    expanded.append(unit.prefix().substring(unit.prefix().lastIndexOf('-') + 1));
                case '%' -> expanded.append('%');
                default -> {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(expanded.toString());
    }
}
