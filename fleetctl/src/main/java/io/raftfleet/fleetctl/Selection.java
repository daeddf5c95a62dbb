package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
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

    /** States of these units, by unit; one call if it can be. */
    static Map<String, List<UnitState>> states(Session session, Collection<String> names) {
        var found = new LinkedHashMap<String, List<UnitState>>();
        if (names.isEmpty()) {
            return found;
        }
        var wanted = new LinkedHashSet<String>(names);
        var request = ListUnitStatesRequest.newBuilder().addAllNames(UnitNames.asFilter(wanted));
        for (UnitState state : session.client().listUnitStates(request.build()).rows()) {
            if (wanted.contains(state.getName())) {
                found.computeIfAbsent(state.getName(), none -> new ArrayList<>())
                        .add(state);
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
     * Units that arguments name.
     *
     * @param units each once, in the arguments' order
     * @param complete whether the cluster has all of them; people have been told of those that it has not
     */
    record Submitted(List<Unit> units, boolean complete) {
        /** The exit code so far. */
        int exit() {
            return complete ? 0 : 1;
        }
    }

    /** Submitted units that the arguments name. */
    static Submitted submitted(Session session, List<String> arguments) {
        var names = new LinkedHashSet<String>();
        boolean complete = true;
        for (String argument : arguments) {
            if (UnitNames.isPattern(argument)) {
                List<String> matches = expand(session, argument);
                complete &= !matches.isEmpty();
                names.addAll(matches);
            } else {
                names.add(UnitNames.mangle(argument));
            }
        }
        Map<String, Unit> found = byName(session, names);
        List<String> missing =
                names.stream().filter(name -> !found.containsKey(name)).toList();
        var hints = new UnitHints(session);
        missing.forEach(name -> session.err(hints.absent(name, "Unit " + name + " not found in registry")));
        return new Submitted(
                names.stream().filter(found::containsKey).map(found::get).toList(), complete && missing.isEmpty());
    }

    private static List<String> expand(Session session, String pattern) {
        try {
            List<String> names = matching(session, pattern.substring(pattern.lastIndexOf('/') + 1));
            if (names.isEmpty()) {
                session.err("No unit in registry matches " + pattern + "; see: fleetctl list-unit-files");
            }
            return names;
        } catch (InvalidPatternException e) {
            throw CommandException.of(e);
        }
    }
}
