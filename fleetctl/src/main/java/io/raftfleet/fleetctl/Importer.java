package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.cluster.Orphan;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.Units;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Takes over what a fleet has: metadata first, for units are placed by it, then units. What is here already is left as it is. A unit
 * that runs on a machine of this cluster, whose agent has found it and named it an orphan, is adopted there or left alone: never
 * started a second time. To be used by one thread.
 */
final class Importer {
    private final Session session;
    private final FleetSource source;
    private final boolean dryRun;
    private final boolean adopt;

    private final Map<String, Unit> here = new TreeMap<>();
    private final Map<String, Machine> machines = new TreeMap<>();
    private final Map<String, List<Orphan>> orphans = new HashMap<>();
    private final List<Unit> toCopy = new ArrayList<>();

    private int copied;
    private int adopted;
    private int present;
    private int left;

    /** @param adopt whether units are taken over where they run */
    Importer(Session session, FleetSource source, boolean dryRun, boolean adopt) {
        this.session = session;
        this.source = source;
        this.dryRun = dryRun;
        this.adopt = adopt;
    }

    /** Says whether nothing is left that could not be taken over. */
    boolean run() {
        session.client()
                .listUnits(ListUnitsRequest.getDefaultInstance())
                .rows()
                .forEach(unit -> here.put(unit.getName(), unit));
        session.client()
                .listMachines(ListMachinesRequest.getDefaultInstance())
                .rows()
                .forEach(machine -> machines.put(machine.getId(), machine));
        session.client()
                .listOrphans()
                .getOrphansList()
                .forEach(orphan -> orphans.computeIfAbsent(orphan.getName(), none -> new ArrayList<>())
                        .add(orphan));
        metadata();
        source.units().forEach(this::unit);
        copy();
        session.out((dryRun ? "Would import " : "Imported ") + copied + " units and "
                + (dryRun ? "adopt " : "adopted ") + adopted + "; " + present + " were here already, " + left
                + " can't be taken over as they are");
        return left == 0;
    }

    /** fleet tells dynamic metadata and what agents announce in one: what an agent announces here as well needs no change. */
    private void metadata() {
        var patches = new ArrayList<MachinePatch>();
        for (Machine machine : source.machines()) {
            Machine known = machines.get(machine.getId());
            if (known == null) {
                if (machine.getMetadataCount() > 0) {
                    leave(
                            "machine " + machine.getId(),
                            "its metadata are not set: it is not in this cluster yet; start its agent and"
                                    + " import again");
                }
                continue;
            }
            new TreeMap<>(machine.getMetadataMap()).forEach((key, value) -> {
                if (!value.equals(known.getMetadataMap().get(key))) {
                    patches.add(MachinePatch.newBuilder()
                            .setMachineId(machine.getId())
                            .setKey(key)
                            .setValue(value)
                            .build());
                }
            });
        }
        List<ItemResult> results = dryRun || patches.isEmpty()
                ? List.of()
                : session.client().patchMachines(patches).results();
        for (int i = 0; i < patches.size(); i++) {
            MachinePatch patch = patches.get(i);
            String what = "metadata " + patch.getKey() + "=" + patch.getValue() + " of machine " + patch.getMachineId();
            if (dryRun || UnitCreator.succeeded(results.get(i))) {
                session.out((dryRun ? "Would set " : "Set ") + what);
            } else {
                leave(what, UnitCreator.reason(results.get(i)));
            }
        }
    }

    private void unit(Unit unit) {
        String name = unit.getName();
        Unit known = here.get(name);
        if (known != null) {
            compare(unit, known);
            return;
        }
        try {
            Units.validate(name, FleetSource.file(unit));
            Requirements.of(name, FleetSource.file(unit));
        } catch (InvalidUnitException e) {
            leave("unit " + name, String.valueOf(e.inUnit(name).getMessage()));
            return;
        }
        List<Orphan> found = orphans.getOrDefault(name, List.of());
        List<UnitState> running = source.states().getOrDefault(name, List.of()).stream()
                .filter(Words::runs)
                .toList();
        if (!found.isEmpty()) {
            if (adopt) {
                adopt(unit, found);
            } else {
                leave(
                        "unit " + name,
                        "machine " + found.getFirst().getMachineId()
                                + ", which is in this cluster, has it: give --adopt to take it over there");
            }
        } else if (adopt && !running.isEmpty()) {
            leave("unit " + name, notSeen(running.getFirst().getMachineId()));
        } else {
            toCopy.add(unit);
        }
    }

    private String notSeen(String machine) {
        return machines.containsKey(machine)
                ? "it runs on machine " + machine
                        + ", whose agent has not found it: let that agent use fleet's units_directory and"
                        + " systemd, and import again"
                : "it runs on machine " + machine
                        + ", which is not in this cluster yet: start an agent there and import again";
    }

    private void compare(Unit unit, Unit known) {
        present++;
        if (!known.getHash().equals(unit.getHash()) && !known.getHash().equals(source.hash(unit))) {
            present--;
            leave(
                    "unit " + unit.getName(),
                    "another one of that name is here, with other options; destroy it here and import again,"
                            + " or leave it");
        } else if (Words.target(known) != Words.target(unit)) {
            session.out("Unit " + unit.getName() + " is here already: it is " + Words.state(Words.target(known))
                    + " here, and " + Words.state(Words.target(unit)) + " in fleet");
        }
    }

    private void adopt(Unit unit, List<Orphan> found) {
        String name = unit.getName();
        Orphan orphan = found.getFirst();
        if (!unit.getGlobal() && found.size() > 1) {
            leave(
                    "unit " + name,
                    found.size() + " machines have it: see fleetctl cluster orphans, and adopt or drop it by hand");
            return;
        }
        if (!orphan.getHash().equals(source.hash(unit))) {
            leave("unit " + name, "machine " + orphan.getMachineId() + " has another file of it than fleet says");
            return;
        }
        if (!dryRun) {
            try {
                session.client().settleOrphan(orphan.getMachineId(), name, true);
            } catch (FleetClientException e) {
                leave("unit " + name, String.valueOf(e.getMessage()));
                return;
            }
        }
        adopted++;
        TargetState as = runs(orphan) ? TargetState.TARGET_STATE_LAUNCHED : TargetState.TARGET_STATE_LOADED;
        session.out((dryRun ? "Would adopt " : "Adopted ") + name + " on " + orphan.getMachineId() + ", "
                + Words.state(as) + (as == Words.target(unit) ? "" : different(unit, orphan)));
    }

    private static String different(Unit unit, Orphan orphan) {
        return ": fleet wants it " + Words.state(Words.target(unit)) + ", and it is " + orphan.getActiveState()
                + " there; nothing is started or stopped for that";
    }

    /** As an orphan that is adopted counts. */
    private static boolean runs(Orphan orphan) {
        return switch (orphan.getActiveState()) {
            case "inactive", "failed" -> false;
            default -> true;
        };
    }

    private void copy() {
        List<ItemResult> results = dryRun || toCopy.isEmpty()
                ? List.of()
                : session.client()
                        .createUnits(toCopy.stream().map(Importer::copyOf).toList(), false)
                        .results();
        for (int i = 0; i < toCopy.size(); i++) {
            Unit unit = toCopy.get(i);
            if (dryRun || UnitCreator.succeeded(results.get(i))) {
                copied++;
                session.out((dryRun ? "Would import " : "Imported ") + unit.getName() + ", "
                        + Words.state(Words.target(unit)));
            } else {
                leave("unit " + unit.getName(), UnitCreator.reason(results.get(i)));
            }
        }
    }

    private static NewUnit copyOf(Unit unit) {
        return NewUnit.newBuilder()
                .setName(unit.getName())
                .setText(unit.getContents().getText())
                .setTargetState(unit.getTargetState())
                .build();
    }

    /** Reasons that name the unit themselves need no name before them. */
    private void leave(String what, String why) {
        left++;
        session.err("Not taken over: " + (why.startsWith("unit ") ? "" : what + ": ") + why);
    }
}
