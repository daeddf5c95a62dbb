package io.raftfleet.engine.schedule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to find a machine for a unit, or for several that must be placed together. The rules are fleet's {@code
 * AbleToRun}. Lives for one decision of {@link Scheduler}.
 */
final class Placement {
    /** What keeps one member off machines, found once for all machines. */
    private record Rivals(
            List<NamePattern> patterns, List<UnitEntry> globals, Map<MachineEntry, NamePattern> replacedOn) {}

    private final Cluster cluster;
    private final List<UnitEntry> members;
    private final Set<UnitEntry> memberSet;
    private final List<Rivals> rivals;
    private final List<UnitEntry> globalPeers = new ArrayList<>(0);

    /** The machine of the peers; null when there are none. */
    private @Nullable MachineEntry peersMachine;

    /** What rules out all machines; null for nothing. */
    private @Nullable String blocked;

    /** Where members are that nothing but a cordon keeps the others off; null for nowhere. */
    private @Nullable MachineEntry kept;

    /** Where the members are not to stay; null for nowhere. */
    private final @Nullable MachineEntry leaving;

    /** Why {@link #admits} said no last. */
    private String refusal = "";

    Placement(Cluster cluster, ReplaceGraph replaceGraph, List<UnitEntry> members) {
        this(cluster, replaceGraph, members, null);
    }

    /** @param leaving where the members are and are not to stay; null for nowhere */
    Placement(Cluster cluster, ReplaceGraph replaceGraph, List<UnitEntry> members, @Nullable MachineEntry leaving) {
        this.leaving = leaving;
        this.cluster = cluster;
        this.members = members;
        this.memberSet = members.size() == 1 ? Set.of(members.getFirst()) : new HashSet<>(members);
        List<Rivals> found = new ArrayList<>(members.size());
        for (UnitEntry member : members) {
            found.add(rivals(member, replaceGraph));
            for (String peer : member.requirements.peers()) {
                followPeer(peer);
            }
            if (members.size() > 1) {
                checkAgainstOthers(member);
            }
        }
        this.rivals = found;
    }

    /**
     * The machine where all members should be; null when there is none. It is one where some are already, if that will
     * do: running units aren't moved for balance, nor because others can't join them on a machine that takes no new units.
     *
     * @param hint the only machine that may have become possible since the last attempt; null to try all
     */
    @Nullable
    MachineEntry choose(@Nullable MachineEntry hint) {
        String firstRefusal = null;
        if (blocked == null) {
            Set<MachineEntry> tried = new LinkedHashSet<>();
            for (UnitEntry member : members) {
                MachineEntry current = member.machine;
                if (current != null && tried.add(current)) {
                    if (admits(current)) {
                        return current;
                    }
                    firstRefusal = firstRefusal == null ? refusal : firstRefusal;
                }
            }
        }
        boolean stays = kept != null && !kept.upkeep.empties();
        MachineEntry chosen = blocked == null && !stays ? firstAdmitting(candidates(hint)) : null;
        refusal = blocked != null ? blocked : firstRefusal != null ? firstRefusal : refusal;
        return chosen;
    }

    /** After {@link #choose} found nothing: where members that are there stay without the others. */
    @Nullable
    MachineEntry kept() {
        return kept;
    }

    /** After {@link #choose}: why a member can't stay where it is. */
    String refusal() {
        return refusal;
    }

    /** After {@link #choose} found nothing: has the members wait for what could help them. */
    void await() {
        if (blocked != null || peersMachine != null) {
            // A change of a peer, or of its machine, reaches all its followers.
            return;
        }
        Optional<String> id = requiredId();
        for (UnitEntry member : members) {
            if (id.isPresent()) {
                cluster.waitForId(member, id.get());
            } else {
                cluster.await(member, member.machineClass.waiting);
            }
        }
    }

    private Iterable<MachineEntry> candidates(@Nullable MachineEntry hint) {
        if (peersMachine != null) {
            return List.of(peersMachine);
        }
        Optional<String> id = requiredId();
        if (id.isPresent()) {
            return cluster.machinesWithId(id.get());
        }
        if (hint != null) {
            return List.of(hint);
        }
        MachineClass narrowest = members.getFirst().machineClass;
        for (UnitEntry member : members) {
            if (member.machineClass.byLoad.size() < narrowest.byLoad.size()) {
                narrowest = member.machineClass;
            }
        }
        return narrowest.byLoad;
    }

    private @Nullable MachineEntry firstAdmitting(Iterable<MachineEntry> candidates) {
        for (MachineEntry machine : candidates) {
            if (admits(machine)) {
                return machine;
            }
        }
        return null;
    }

    /**
     * Whether a machine will do for all members. If not, a member that another unit keeps away waits for one such unit
     * to leave: when it leaves, the next such unit is found.
     */
    private boolean admits(MachineEntry machine) {
        if (!machine.present) {
            return refuse("it is lost");
        }
        if (peersMachine != null && peersMachine != machine) {
            return refuse("MachineOf: the peers are on machine " + peersMachine);
        }
        for (UnitEntry peer : globalPeers) {
            if (!cluster.runsOn(peer, machine)) {
                members.forEach(member -> cluster.await(member, cluster.waitingForGlobals()));
                return refuse("MachineOf=" + peer + ": that global unit does not run on it");
            }
        }
        for (int i = 0; i < members.size(); i++) {
            UnitEntry member = members.get(i);
            if (!member.requirements.admitsMachine(machine.id)) {
                return refuse("it is not the machine that MachineID asks for");
            }
            if (!member.machineClass.admits(machine.metadata)) {
                return refuse("its metadata don't meet MachineMetadata");
            }
            if (!admitsBesideRivals(member, rivals.get(i), machine)) {
                return false;
            }
        }
        return !machine.upkeep.cordoned() || admitsDespiteCordon(machine);
    }

    /** Whether all members are there, and may stay. */
    private boolean admitsDespiteCordon(MachineEntry machine) {
        if (machine == leaving || machine.overdue) {
            return refuse("it is drained");
        }
        int there = 0;
        for (UnitEntry member : members) {
            there += member.attachedTo(machine) ? 1 : 0;
        }
        if (there == members.size()) {
            return true;
        }
        if (there > 0) {
            kept = machine;
        }
        return refuse("it is cordoned");
    }

    private boolean admitsBesideRivals(UnitEntry member, Rivals rivals, MachineEntry machine) {
        boolean here = member.attachedTo(machine);
        for (NamePattern pattern : member.conflicts) {
            int others = pattern.occupied.get(machine);
            if (others > 0 && others > (here && pattern.matches(member.name) ? 1 : 0)) {
                cluster.await(member, pattern.declarersWaiting);
                return refuse("Conflicts=" + pattern.text + ": such a unit is on it");
            }
        }
        for (NamePattern pattern : rivals.patterns) {
            int others = pattern.declared.get(machine);
            if (others > 0 && others > (here && declares(member, pattern) ? 1 : 0)) {
                cluster.await(member, pattern.matchedWaiting);
                return refuse("a unit on it has Conflicts=" + pattern.text);
            }
        }
        NamePattern replaced = rivals.replacedOn.get(machine);
        if (replaced != null) {
            cluster.await(member, replaced.replacedWaiting);
            return refuse("a unit on it has Replaces=" + replaced.text);
        }
        for (UnitEntry global : rivals.globals) {
            if (cluster.runsOn(global, machine)) {
                cluster.await(member, cluster.waitingForGlobals());
                return refuse("it runs the global unit " + global + ", which conflicts");
            }
        }
        return true;
    }

    private boolean refuse(String why) {
        refusal = why;
        return false;
    }

    private static boolean declares(UnitEntry member, NamePattern pattern) {
        for (NamePattern own : member.conflicts) {
            if (own == pattern) {
                return true;
            }
        }
        return false;
    }

    private Optional<String> requiredId() {
        for (UnitEntry member : members) {
            Optional<String> id = member.requirements.machineId();
            if (id.isPresent()) {
                return id;
            }
        }
        return Optional.empty();
    }

    private void followPeer(String name) {
        UnitEntry peer = cluster.unit(name);
        if (peer != null && memberSet.contains(peer)) {
            return;
        }
        if (peer != null && peer.global() && peer.wanted()) {
            globalPeers.add(peer);
        } else if (peer == null || !peer.attached || peer.machine == null) {
            blocked = "MachineOf=" + name + ": " + name + " is on no machine";
        } else if (peersMachine != null && peersMachine != peer.machine) {
            blocked = "MachineOf: the peers are on machines " + peersMachine + " and " + peer.machine;
        } else {
            peersMachine = peer.machine;
        }
    }

    private void checkAgainstOthers(UnitEntry member) {
        if (member.conflicts.length > 0) {
            for (UnitEntry other : members) {
                if (Cluster.conflict(member, other)) {
                    blocked = "MachineOf and Conflicts contradict each other: " + member + " and " + other;
                }
            }
        }
    }

    private Rivals rivals(UnitEntry member, ReplaceGraph replaceGraph) {
        List<NamePattern> patterns = cluster.patternsMatching(member.name);
        Map<MachineEntry, NamePattern> replacedOn = Map.of();
        for (NamePattern pattern : patterns) {
            for (UnitEntry replacer : pattern.replacers) {
                if (replacer.attached && replacer.machine != null && replaceGraph.replaces(replacer, member)) {
                    if (replacedOn.isEmpty()) {
                        replacedOn = new HashMap<>();
                    }
                    replacedOn.put(replacer.machine, pattern);
                }
            }
        }
        List<UnitEntry> globals = List.of();
        if (cluster.hasGlobals()) {
            globals = new ArrayList<>(0);
            for (UnitEntry global : cluster.globals()) {
                if (Cluster.conflict(global, member)) {
                    globals.add(global);
                }
            }
        }
        return new Rivals(patterns, globals, replacedOn);
    }
}
