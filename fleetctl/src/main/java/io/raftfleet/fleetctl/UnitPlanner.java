package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.unit.InvalidPatternException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.Units;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides what {@code submit}, {@code load} and {@code start} must create, in fleet's order: a unit that the cluster has, a local
 * file, a template that the cluster has, a local template file; with {@code --replace} the local template comes first. Unlike fleet, which acts on one argument after the other, nothing
 * is written before all of them have been found good.
 */
final class UnitPlanner {
    private static final String SERVICE = ".service";

    private final Session session;
    private final LocalUnits local;
    private final TargetState goal;
    private final boolean replace;
    private final Map<String, NewUnit> refiled = new LinkedHashMap<>();
    private boolean kept;

    UnitPlanner(Session session, TargetState goal, boolean replace) {
        this.session = session;
        this.local = new LocalUnits(session.terminal().directory());
        this.goal = goal;
        this.replace = replace;
    }

    /**
     * What to do.
     *
     * @param create units to create, by name
     * @param refiled units that stay as they are, and whose file is to be replaced by one with the same options
     * @param present units that the cluster has and keeps, by name
     * @param kept whether some of these were to be replaced and can't be; people have been told
     */
    record Plan(Map<String, UnitPlan> create, Map<String, NewUnit> refiled, Map<String, Unit> present, boolean kept) {}

    /** @throws CommandException for the first argument that nothing can be done with */
    Plan plan(List<String> arguments) {
        Map<String, String> pathByName = expand(arguments);
        var names = new LinkedHashSet<String>(pathByName.keySet());
        pathByName.keySet().forEach(name -> UnitNames.templateOf(name).ifPresent(names::add));
        Map<String, Unit> registry = Selection.byName(session, names);

        var create = new LinkedHashMap<String, UnitPlan>();
        var present = new LinkedHashMap<String, Unit>();
        pathByName.forEach((name, path) -> {
            Unit unit = registry.get(name);
            if (unit != null && !isToBeReplaced(unit, path)) {
                present.put(name, unit);
            } else {
                create.put(name, fresh(name, path, registry));
            }
        });
        return new Plan(create, refiled, present, kept);
    }

    /** The argument, with its type, by the unit's name; patterns matched against local files and the cluster's units. */
    private Map<String, String> expand(List<String> arguments) {
        var paths = new LinkedHashMap<String, String>();
        for (String argument : arguments) {
            if (!UnitNames.isPattern(argument)) {
                String path = UnitNames.withType(argument);
                String name = UnitNames.mangle(path);
                refuseTemplate(name);
                paths.putIfAbsent(name, path);
                continue;
            }
            var matches = new ArrayList<String>();
            try {
                matches.addAll(local.matching(argument));
                String base = argument.substring(argument.lastIndexOf('/') + 1);
                for (String name : Selection.matching(session, base)) {
                    matches.add(LocalUnits.sibling(argument, name));
                }
            } catch (InvalidPatternException e) {
                throw CommandException.of(e);
            }
            if (matches.isEmpty()) {
                throw new CommandException("no local unit file and no unit in the registry matches " + argument
                        + "; for units see: fleetctl list-unit-files; files are looked for in "
                        + local.folder(argument));
            }
            for (String path : matches) {
                String name = UnitNames.mangle(path);
                // A template that a pattern catches can only be submitted.
                if (goal == TargetState.TARGET_STATE_INACTIVE || !UnitNames.isTemplate(name)) {
                    paths.putIfAbsent(name, path);
                }
            }
        }
        return paths;
    }

    private void refuseTemplate(String name) {
        if (goal != TargetState.TARGET_STATE_INACTIVE && UnitNames.isTemplate(name)) {
            throw new CommandException("cannot activate template \"" + name + "\": name an instance of it, like "
                    + name.replace("@.", "@1."));
        }
    }

    private boolean isToBeReplaced(Unit unit, String path) {
        boolean differs;
        try {
            differs = differsFromLocal(unit, path);
        } catch (IOException | InvalidUnitException e) {
            if (replace) {
                throw CommandException.of(e);
            }
            return false;
        }
        if (!replace) {
            return false;
        }
        if (refiled.containsKey(unit.getName())) {
            return false;
        }
        if (!differs) {
            session.out("Found same Unit(" + unit.getName() + ") in Registry, nothing to do");
            return false;
        }
        // A command may not take a unit back: submit replaces what is inactive, load what is at most loaded.
        if (Words.target(unit).getNumber() > goal.getNumber()) {
            kept = true;
            session.err("Warning: can not replace Unit(" + unit.getName() + ") in state '"
                    + Words.state(Words.target(unit)) + "', use the appropriate command");
            return false;
        }
        return true;
    }

    /** Compares with the local file, or the local template that the unit is an instance of; warns unless --replace is given. */
    private boolean differsFromLocal(Unit unit, String path) throws IOException, InvalidUnitException {
        String source = "local unit file " + path;
        LocalUnits.Local file;
        if (local.exists(path)) {
            file = local.read(path);
        } else {
            String template = UnitNames.templateOf(UnitNames.mangle(path))
                    .orElseThrow(() -> new IOException("there is no file " + path + " to replace unit " + unit.getName()
                            + " with, and it is no instance of a template"));
            source = "local template unit file " + LocalUnits.sibling(path, template);
            file = local.read(LocalUnits.sibling(path, template));
        }
        boolean differs = !file.file().hash().toByteString().equals(unit.getHash());
        if (replace && !differs && !file.sourceDigest().equals(unit.getSourceDigest()) && session.keepsFiles()) {
            refiled.put(
                    unit.getName(),
                    NewUnit.newBuilder()
                            .setName(unit.getName())
                            .setText(file.text())
                            .build());
        }
        if (differs && !replace) {
            session.err("WARNING: Unit " + unit.getName() + " in registry differs from " + source
                    + ". Add --replace to override.");
        }
        return differs;
    }

    private UnitPlan fresh(String name, String path, Map<String, Unit> registry) {
        if (local.exists(path)) {
            try {
                return checked(name, local.read(path));
            } catch (IOException | InvalidUnitException e) {
                throw new CommandException("failed getting Unit(" + path + ") from file: " + e.getMessage(), e);
            }
        }
        String template = UnitNames.templateOf(name).orElse(null);
        if (template == null) {
            String folder = path.endsWith(SERVICE) ? path.substring(0, path.length() - SERVICE.length()) : path;
            String sentence = "unable to find Unit(" + name + ") in Registry or on filesystem";
            throw new CommandException(
                    !folder.isEmpty() && local.isDirectory(folder)
                            ? sentence + "; " + folder + " is a directory: name the files in it, as with '" + folder
                                    + "/*'"
                            : UnitHints.absent(session, name, sentence));
        }
        try {
            Unit submitted = registry.get(template);
            // Who says --replace and has a template beside the instance means that one.
            boolean overridden = replace && local.exists(LocalUnits.sibling(path, template));
            return submitted != null && !overridden
                    ? instance(name, submitted, path)
                    : checked(name, localTemplate(path, template));
        } catch (IOException | InvalidUnitException e) {
            throw new CommandException("failed getting Unit(" + path + ") from template: " + e.getMessage(), e);
        }
    }

    private LocalUnits.Local localTemplate(String path, String template) throws IOException, InvalidUnitException {
        String file = LocalUnits.sibling(path, template);
        if (!local.exists(file)) {
            throw new IOException("unable to find template Unit(" + template + ") in Registry or on filesystem");
        }
        return local.read(file);
    }

    private UnitPlan instance(String name, Unit template, String path) {
        try {
            differsFromLocal(template, path);
        } catch (IOException | InvalidUnitException e) {
            // No readable local file to compare with: the submitted template is the one that counts.
            debug("no local file compared with template " + template.getName() + ": " + e.getMessage());
        }
        var unit = NewUnit.newBuilder().setName(name).setHash(template.getHash());
        return new UnitPlan(unit.build(), template.getHash(), template.getGlobal());
    }

    private static UnitPlan checked(String name, LocalUnits.Local local) throws InvalidUnitException {
        UnitFile file = local.file();
        Units.validate(name, file);
        var unit = NewUnit.newBuilder().setName(name).setText(local.text());
        return new UnitPlan(
                unit.build(),
                file.hash().toByteString(),
                Requirements.of(name, file).global());
    }

    private void debug(@Nullable String message) {
        if (session.global().debug) {
            session.err("DEBUG: " + message);
        }
    }
}
