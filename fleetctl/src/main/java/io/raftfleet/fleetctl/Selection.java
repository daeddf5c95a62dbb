package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** Finds the units that arguments name, by name or pattern. */
final class Selection {
    private Selection() {}

    /** Units of the cluster of these names, by name; one call if it can be. */
    static Map<String, Unit> byName(Session session, Collection<String> names) {
        var found = new LinkedHashMap<String, Unit>();
        if (names.isEmpty()) {
            return found;
        }
        var wanted = new LinkedHashSet<String>(names);
        var request = ListUnitsRequest.newBuilder().addAllNames(UnitNames.asFilter(wanted));
        for (Unit unit : session.client().listUnits(request.build()).rows()) {
            if (wanted.contains(unit.getName())) {
                found.put(unit.getName(), unit);
            }
        }
        return found;
    }

    /** Names of units of the cluster that match a pattern, by name. */
    static List<String> matching(Session session, String pattern) throws InvalidPatternException {
        Glob glob = Glob.compile(pattern);
        var request = ListUnitsRequest.newBuilder().addNames(pattern);
        return session.client().listUnits(request.build()).rows().stream()
                .map(Unit::getName)
                .filter(glob::matches)
                .toList();
    }

    /**
     * Submitted units that the arguments name, each once, in the arguments' order. Names that the cluster does not have are left
     * out, as fleet does, and told of when others were found.
     */
    static List<Unit> submitted(Session session, List<String> arguments) {
        var names = new LinkedHashSet<String>();
        for (String argument : arguments) {
            if (UnitNames.isPattern(argument)) {
                names.addAll(expand(session, argument));
            } else {
                names.add(UnitNames.mangle(argument));
            }
        }
        Map<String, Unit> found = byName(session, names);
        if (!found.isEmpty()) {
            names.stream()
                    .filter(name -> !found.containsKey(name))
                    .forEach(name -> session.err("Unit " + name + " not found in registry, skipped"));
        }
        return names.stream().filter(found::containsKey).map(found::get).toList();
    }

    private static List<String> expand(Session session, String pattern) {
        try {
            List<String> names = matching(session, pattern.substring(pattern.lastIndexOf('/') + 1));
            if (names.isEmpty()) {
                session.err("No unit in registry matches " + pattern);
            }
            return names;
        } catch (InvalidPatternException e) {
            throw CommandException.of(e);
        }
    }
}
