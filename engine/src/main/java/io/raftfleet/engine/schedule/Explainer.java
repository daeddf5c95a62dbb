package io.raftfleet.engine.schedule;

import io.raftfleet.proto.model.Veto;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** Says of each requirement of a pending unit, or of one that can't leave a machine that is drained, how many of the present machines it leaves. Changes nothing. */
final class Explainer {
    /** Of one unit, those that its peers share with it included. */
    private static final int MOST = 1_000;
    /** Vetoes of units that one must be with: a group may have thousands of members, of which each has all others'. */
    private static final int MOST_SHARED = 20;
    /** Units of such a group that are looked at for each unit of it. */
    private static final int MOST_PEERS = 100;

    private final Cluster cluster;
    private final PeerGroups groups;
    private final ReplaceGraph replaceGraph;

    Explainer(Cluster cluster, PeerGroups groups, ReplaceGraph replaceGraph) {
        this.cluster = cluster;
        this.groups = groups;
        this.replaceGraph = replaceGraph;
    }

    /** See {@link Scheduler#explain}. */
    List<Veto> explain(String name) {
        UnitEntry unit = cluster.unit(name);
        if (unit == null || !unit.placeable() || (unit.attached && !isStuck(unit))) {
            return List.of();
        }
        if (cluster.presentCount() == 0) {
            return List.of(veto("", 0, "no machine is present"));
        }
        List<UnitEntry> group = unit.attached ? groups.besides(unit) : groups.of(unit);
        Found vetoes = new Found(MOST);
        explain(unit, group, vetoes);
        cordons(vetoes);
        int told = 0;
        int looked = 0;
        for (UnitEntry member : group) {
            if (member != unit) {
                if (told >= MOST_SHARED || looked++ >= MOST_PEERS) {
                    add(
                            veto(
                                    "",
                                    cluster.presentCount(),
                                    "must be with more units, whose requirements are not told here: look at"
                                            + " those, " + member + " for one"),
                            vetoes);
                    return vetoes.list;
                }
                Found shared = new Found(MOST_SHARED - told);
                explain(member, group, shared);
                for (Veto veto : shared.list) {
                    add(
                            veto.toBuilder()
                                    .setMessage("must be with " + member + ", for which " + veto.getMessage())
                                    .build(),
                            vetoes);
                    told++;
                }
            }
        }
        return vetoes.list;
    }

    /** Vetoes that are told; once there are enough no more are looked for. */
    private static final class Found {
        final List<Veto> list = new ArrayList<>();
        private final int most;

        Found(int most) {
            this.most = most;
        }

        boolean enough() {
            return list.size() >= most;
        }
    }

    private static void add(Veto veto, Found vetoes) {
        if (!vetoes.enough()) {
            vetoes.list.add(veto);
        }
    }

    private void explain(UnitEntry unit, List<UnitEntry> group, Found vetoes) {
        machineId(unit, vetoes);
        metadata(unit, vetoes);
        peers(unit, group, vetoes);
        conflicts(unit, vetoes);
        conflictsOfOthers(unit, vetoes);
        replaced(unit, vetoes);
        globals(unit, vetoes);
    }

    private static boolean isStuck(UnitEntry unit) {
        return unit.machine != null && unit.machine.stuck.contains(unit);
    }

    private void cordons(Found vetoes) {
        if (!cluster.cordoned().isEmpty()) {
            count("cordon", "not cordoned", "", MachineEntry::open, vetoes);
        }
    }

    private void machineId(UnitEntry unit, Found vetoes) {
        unit.requirements.machineId().ifPresent(id -> {
            String requirement = "MachineID=" + id;
            List<MachineEntry> machines = cluster.machinesWithId(id);
            if (machines.isEmpty()) {
                add(veto(requirement, 0, requirement + ": no such machine"), vetoes);
            } else if (machines.stream().noneMatch(machine -> machine.present)) {
                add(veto(requirement, 0, requirement + ": that machine is lost"), vetoes);
            } else {
                count(requirement, requirement, "", machine -> unit.requirements.admitsMachine(machine.id), vetoes);
            }
        });
    }

    private void metadata(UnitEntry unit, Found vetoes) {
        for (Map.Entry<String, Set<String>> required :
                unit.requirements.metadata().entrySet()) {
            String key = required.getKey();
            Set<String> values = required.getValue();
            String requirement = "MachineMetadata="
                    + values.stream()
                            .map(value -> values.size() == 1 ? key + "=" + value : '"' + key + "=" + value + '"')
                            .collect(Collectors.joining(" "));
            String shown = "metadata "
                    + values.stream().map(value -> key + "=" + value).collect(Collectors.joining(" or "));
            count(requirement, shown, "", machine -> values.contains(machine.metadata.getOrDefault(key, "")), vetoes);
        }
    }

    private void peers(UnitEntry unit, List<UnitEntry> group, Found vetoes) {
        for (String name : new LinkedHashSet<>(unit.requirements.peers())) {
            String requirement = "MachineOf=" + name;
            UnitEntry peer = cluster.unit(name);
            if (peer == null) {
                add(veto(requirement, 0, requirement + ": " + name + " does not exist"), vetoes);
            } else if (group.contains(peer)) {
                if (Cluster.conflict(unit, peer)) {
                    add(veto(requirement, 0, requirement + ": " + name + " conflicts with " + unit), vetoes);
                }
            } else if (peer.global() && peer.wanted()) {
                count(requirement, requirement, " run it", machine -> cluster.runsOn(peer, machine), vetoes);
            } else if (!peer.attached || peer.machine == null) {
                add(veto(requirement, 0, requirement + ": " + name + " is on no machine"), vetoes);
            } else if (!peer.machine.present || cluster.presentCount() > 1) {
                MachineEntry machine = peer.machine;
                add(
                        veto(
                                requirement,
                                machine.present ? 1 : 0,
                                requirement + ": " + name + " is on machine " + machine
                                        + (machine.present ? "" : ", which is lost")),
                        vetoes);
            }
        }
    }

    private void conflicts(UnitEntry unit, Found vetoes) {
        for (NamePattern pattern : unit.conflicts) {
            if (!pattern.occupied.isEmpty()) {
                String requirement = "Conflicts=" + pattern.text;
                count(
                        requirement,
                        requirement,
                        " are free of it",
                        machine -> pattern.occupied.get(machine) == 0,
                        vetoes);
            }
        }
    }

    private void conflictsOfOthers(UnitEntry unit, Found vetoes) {
        for (NamePattern pattern : cluster.patternsMatching(unit.name)) {
            if (!pattern.declared.isEmpty()) {
                String requirement = "Conflicts=" + pattern.text;
                count(
                        requirement,
                        requirement + " of other units",
                        " are free of them",
                        machine -> pattern.declared.get(machine) == 0,
                        vetoes);
            }
        }
    }

    private void replaced(UnitEntry unit, Found vetoes) {
        for (NamePattern pattern : cluster.patternsMatching(unit.name)) {
            Set<MachineEntry> taken = new LinkedHashSet<>();
            for (UnitEntry replacer : pattern.replacers) {
                if (replacer.attached && replacer.machine != null && replaceGraph.replaces(replacer, unit)) {
                    taken.add(replacer.machine);
                }
            }
            if (!taken.isEmpty()) {
                String requirement = "Replaces=" + pattern.text;
                count(
                        requirement,
                        requirement + " of other units",
                        " are free of them",
                        machine -> !taken.contains(machine),
                        vetoes);
            }
        }
    }

    private void globals(UnitEntry unit, Found vetoes) {
        for (UnitEntry global : cluster.globals()) {
            if (Cluster.conflict(global, unit)) {
                String requirement = "Conflicts=" + (unit.requirements.conflictsWith(global.name) ? global : unit);
                count(
                        requirement,
                        "conflict with the global unit " + global,
                        " are free of it",
                        machine -> !cluster.runsOn(global, machine),
                        vetoes);
            }
        }
    }

    /**
     * Adds a veto if the requirement leaves out a present machine: "metadata diskType=SSD: 0 of 40 machines". Looks at all of them: not to be
     * called for what is known to leave out none.
     */
    private void count(String requirement, String shown, String tail, Predicate<MachineEntry> admits, Found vetoes) {
        if (vetoes.enough()) {
            return;
        }
        int matching = (int) StreamSupport.stream(cluster.presentMachines().spliterator(), false)
                .filter(admits)
                .count();
        int present = cluster.presentCount();
        if (matching < present) {
            add(
                    veto(
                            requirement,
                            matching,
                            shown + ": " + matching + " of " + present + (present == 1 ? " machine" : " machines")
                                    + tail),
                    vetoes);
        }
    }

    private Veto veto(String requirement, int matching, String message) {
        return Veto.newBuilder()
                .setRequirement(requirement)
                .setMatching(matching)
                .setPresent(cluster.presentCount())
                .setMessage(message)
                .build();
    }
}
