package io.raftfleet.fleetctl;

import io.raftfleet.unit.UnitName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** From what a user types to the names of units, as fleet does it. */
final class UnitNames {
    /** A request with more names than this costs more than a list of all units. */
    static final int MOST_NAMES = 5_000;

    private UnitNames() {}

    /** The argument, with {@code .service} behind it unless it ends in a type that a unit can have. Fleet knows some of them. */
    static String withType(String argument) {
        int dot = argument.lastIndexOf('.');
        return dot >= 0 && UnitName.isValid("a" + argument.substring(dot)) ? argument : argument + ".service";
    }

    /** The unit that an argument, a name or a path, is about. */
    static String mangle(String argument) {
        String path = argument;
        while (path.length() > 1 && path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        return withType(path.substring(path.lastIndexOf('/') + 1));
    }

    /** Whether an argument selects by a pattern. A backslash alone does not: escaped names of systemd have it. */
    static boolean isPattern(String argument) {
        return argument.indexOf('*') >= 0 || argument.indexOf('?') >= 0 || argument.indexOf('[') >= 0;
    }

    /** The template that a unit of this name would be an instance of. */
    static Optional<String> templateOf(String name) {
        try {
            UnitName parsed = UnitName.of(name);
            return parsed.isInstance() ? parsed.template() : Optional.empty();
        } catch (io.raftfleet.unit.InvalidUnitException e) {
            return Optional.empty();
        }
    }

    /** Whether this is the name of a template itself. */
    static boolean isTemplate(String name) {
        try {
            return UnitName.of(name).isTemplate();
        } catch (io.raftfleet.unit.InvalidUnitException e) {
            return false;
        }
    }

    /** What to ask engines for to get the units that these arguments, names or patterns, are about. */
    static List<String> asFilterOfPatterns(Collection<String> arguments) {
        var filter = new ArrayList<String>(arguments.size());
        for (String argument : arguments) {
            filter.addAll(isPattern(argument) ? List.of(argument) : asFilter(List.of(mangle(argument))));
        }
        return filter;
    }

    /** What to ask engines for to get exactly these names: a backslash is an escape in a pattern, so such a name goes both ways. */
    static List<String> asFilter(Collection<String> names) {
        if (names.size() > MOST_NAMES) {
            return List.of();
        }
        var filter = new ArrayList<String>(names.size());
        for (String name : names) {
            filter.add(name);
            if (name.indexOf('\\') >= 0) {
                filter.add(name.replace("\\", "\\\\"));
            }
        }
        return filter;
    }
}
