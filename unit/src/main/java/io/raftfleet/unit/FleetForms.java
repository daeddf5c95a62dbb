package io.raftfleet.unit;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which values of {@code [X-Fleet]} mean something. fleet passes over those that don't, and a constraint is gone without a word: the
 * unit then runs anywhere. They are refused when a unit is submitted, as they are written and with specifiers filled in; so are options of
 * this section in another one, and such as have names that no option has. What a registry holds already keeps the meaning that it had.
 */
final class FleetForms {
    private static final Set<String> METADATA =
            Set.of(FleetOptions.MACHINE_METADATA, FleetOptions.OLD_MACHINE_METADATA);
    private static final Set<String> PEERS = Set.of(FleetOptions.MACHINE_OF, FleetOptions.OLD_MACHINE_OF);
    private static final Set<String> CONFLICTS = Set.of(FleetOptions.CONFLICTS, FleetOptions.OLD_CONFLICTS);
    private static final Set<String> PATTERNS =
            Set.of(FleetOptions.CONFLICTS, FleetOptions.OLD_CONFLICTS, FleetOptions.REPLACES);
    private static final Set<String> IDS =
            Set.of(FleetOptions.MACHINE_ID, FleetOptions.OLD_MACHINE_ID, FleetOptions.OLD_MACHINE_BOOT_ID);
    private static final Set<String> BOOLEANS =
            Set.of(FleetOptions.GLOBAL, FleetOptions.FENCE, FleetOptions.START_FIRST);
    private static final Set<String> BOOLEAN_WORDS =
            Set.of("true", "yes", "1", "on", "t", "false", "no", "0", "off", "f");

    /** What systemd's options are made of, and such as it leaves to others ({@code X-…}). */
    private static final Pattern OPTION_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

    private FleetForms() {}

    /** @throws InvalidUnitException naming the first value that would mean nothing, and the form that it should have */
    static void check(UnitName named, List<UnitOption> options) throws InvalidUnitException {
        String unit = named.name();
        Set<String> ids = new LinkedHashSet<>();
        for (UnitOption option : options) {
            if (!option.section().equals(FleetOptions.SECTION)) {
                checkElsewhere(unit, option);
                continue;
            }
            if (!FleetOptions.isKnown(option.name())) {
                continue;
            }
            String name = option.name();
            String line = UnitLexer.unfold(option.value());
            if (line.isEmpty()) {
                if (IDS.contains(name) || PEERS.contains(name)) {
                    throw wrong(unit, name, "it has no value, which nothing meets; give one, or take the line out");
                }
                continue;
            }
            if (line.chars().filter(c -> c == '"').count() % 2 == 1) {
                throw wrong(unit, name, Text.quote(line) + " has a quote without its other half");
            }
            List<String> values = FleetOptions.split(line);
            for (String value : values) {
                if (value.isEmpty() && values.size() > 1 && (METADATA.contains(name) || CONFLICTS.contains(name))) {
                    continue; // More than one space between two values, as where a line goes on in the next: nothing in
                    // fleet, too.
                }
                if (IDS.contains(name)) {
                    ids.add(value);
                }
                check(unit, name, value);
                checkFilledIn(named, name, value);
            }
        }
        if (ids.size() > 1) {
            throw wrong(
                    unit,
                    FleetOptions.MACHINE_ID,
                    "several machines are named, " + ids + ", and a unit runs on one of them alone; name one");
        }
    }

    /** Where nobody looks at it: in a section that is only nearly fleet's, and in one of systemd's, which passes it over. */
    private static void checkElsewhere(String unit, UnitOption option) throws InvalidUnitException {
        String section = option.section();
        String field = "[" + section + "] " + option.name();
        if (FleetOptions.isNearlySection(section)) {
            throw new InvalidUnitException(
                    unit,
                    field,
                    "nothing looks into a section of that name; did you mean [" + FleetOptions.SECTION + "]?");
        }
        boolean systemds = !section.startsWith("X-");
        if (systemds && FleetOptions.isKnown(option.name()) && !option.name().equals(FleetOptions.CONFLICTS)) {
            throw new InvalidUnitException(
                    unit, field, "it counts in section [" + FleetOptions.SECTION + "] alone; put it there");
        }
        if (systemds && !OPTION_NAME.matcher(option.name()).matches()) {
            throw new InvalidUnitException(
                    unit,
                    field,
                    Text.quote(option.name())
                            + " has characters that no option's name has, and systemd would pass over it: look for"
                            + " white space, also such as is not seen");
        }
    }

    /** Specifiers may leave nothing of a value, as {@code %i} does in a unit that is no instance. A template's are not known. */
    private static void checkFilledIn(UnitName unit, String name, String value) throws InvalidUnitException {
        String filledIn = unit.expand(value);
        if (unit.isTemplate() || filledIn.equals(value)) {
            return;
        }
        try {
            check(unit.name(), name, filledIn);
        } catch (InvalidUnitException e) {
            throw wrong(
                    unit.name(),
                    name,
                    Text.quote(value) + " stands for " + Text.quote(filledIn) + " in this unit: " + e.reason());
        }
    }

    private static void check(String unit, String name, String value) throws InvalidUnitException {
        if (value.isEmpty()) {
            throw wrong(unit, name, "there is an empty value among its values; separate them by one space");
        }
        if (value.indexOf('"') >= 0) {
            throw wrong(
                    unit,
                    name,
                    Text.quote(value)
                            + " has quotes inside; several values on one line are written \"A\" \"B\", each in quotes");
        }
        if (METADATA.contains(name)) {
            checkPair(unit, name, value);
        } else if (PEERS.contains(name) || name.equals(FleetOptions.REPLACES) || IDS.contains(name)) {
            if (!Text.words(value).equals(List.of(value))) {
                throw wrong(unit, name, Text.quote(value) + " has white space inside; " + several(name, "A", "B"));
            }
        } else if (BOOLEANS.contains(name) && !BOOLEAN_WORDS.contains(value.toLowerCase(Locale.ROOT))) {
            throw wrong(unit, name, Text.quote(value) + " is neither true nor false");
        }
        if (PATTERNS.contains(name)) {
            for (String pattern : Text.words(value)) {
                try {
                    Glob.compile(pattern);
                } catch (InvalidPatternException e) {
                    throw wrong(
                            unit,
                            name,
                            Text.quote(pattern) + " is no pattern and would match nothing: " + e.getMessage());
                }
            }
        }
    }

    private static void checkPair(String unit, String name, String pair) throws InvalidUnitException {
        int equals = pair.indexOf('=');
        if (equals <= 0 || equals == pair.length() - 1) {
            throw wrong(unit, name, Text.quote(pair) + " is not of the form KEY=VALUE");
        }
        if (pair.indexOf('=', equals + 1) >= 0) {
            List<String> words = Text.words(pair);
            throw wrong(
                    unit,
                    name,
                    Text.quote(pair) + " has more than one \"=\"; "
                            + (words.size() > 1
                                    ? several(name, words.getFirst(), words.getLast())
                                    : "neither a key nor a value can contain one"));
        }
        if (!pair.substring(0, equals).equals(UnitLexer.trim(pair.substring(0, equals)))) {
            throw wrong(unit, name, Text.quote(pair) + " has white space around \"=\", which no machine's key has");
        }
    }

    private static String several(String name, String first, String second) {
        return "several values are written " + name + "=\"" + first + "\" \"" + second
                + "\", with one space between, or on lines of their own";
    }

    private static InvalidUnitException wrong(String unit, String name, String reason) {
        return new InvalidUnitException(unit, "[X-Fleet] " + name, reason);
    }
}
