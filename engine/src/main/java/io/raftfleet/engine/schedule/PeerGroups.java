package io.raftfleet.engine.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds units that must be placed together, because each follows the others ({@code MachineOf}), directly or through
 * more units. Fleet places a unit only where its peers already are, and so never places such units.
 */
final class PeerGroups {
    private final Cluster cluster;

    PeerGroups(Cluster cluster) {
        this.cluster = cluster;
    }

    /**
     * The unit and all that it must be placed together with, by name. A peer that is settled on another machine than the
     * unit's can't be one of them, since it would itself be unsettled without the unit; so the search ends there, and
     * costs nothing in a chain that is placed from its start.
     */
    List<UnitEntry> of(UnitEntry unit) {
        if (unit.requirements.peers().isEmpty() || cluster.followers(unit.name).isEmpty()) {
            return List.of(unit);
        }
        Set<UnitEntry> below = new LinkedHashSet<>();
        Deque<UnitEntry> open = new ArrayDeque<>(List.of(unit));
        while (!open.isEmpty()) {
            for (String name : open.remove().requirements.peers()) {
                UnitEntry peer = cluster.unit(name);
                if (peer != null && unsettled(peer, unit.machine) && below.add(peer)) {
                    open.add(peer);
                }
            }
        }
        if (!below.contains(unit)) {
            return List.of(unit);
        }
        Set<UnitEntry> group = new LinkedHashSet<>(List.of(unit));
        open.add(unit);
        while (!open.isEmpty()) {
            for (UnitEntry follower : cluster.followers(open.remove().name)) {
                if (below.contains(follower) && group.add(follower)) {
                    open.add(follower);
                }
            }
        }
        List<UnitEntry> sorted = new ArrayList<>(group);
        sorted.sort(Comparator.comparing(member -> member.name));
        return sorted;
    }

    /**
     * The unit and all that are on its machine because one of them is there: those that it follows and that follow it, directly or
     * through more units. None before one that it follows, unless these follow each other.
     */
    List<UnitEntry> besides(UnitEntry unit) {
        MachineEntry machine = unit.machine;
        if (machine == null) {
            return List.of(unit);
        }
        Set<UnitEntry> found = new LinkedHashSet<>(List.of(unit));
        Deque<UnitEntry> open = new ArrayDeque<>(found);
        while (!open.isEmpty()) {
            UnitEntry next = open.remove();
            for (String name : next.requirements.peers()) {
                UnitEntry peer = cluster.unit(name);
                if (peer != null && peer.attachedTo(machine) && found.add(peer)) {
                    open.add(peer);
                }
            }
            for (UnitEntry follower : cluster.followers(next.name)) {
                if (follower.attachedTo(machine) && found.add(follower)) {
                    open.add(follower);
                }
            }
        }
        return found.size() == 1 ? List.of(unit) : leadersFirst(found);
    }

    private List<UnitEntry> leadersFirst(Set<UnitEntry> units) {
        List<UnitEntry> byName = new ArrayList<>(units);
        byName.sort(Comparator.comparing(member -> member.name));
        Set<UnitEntry> sorted = new LinkedHashSet<>();
        Deque<UnitEntry> path = new ArrayDeque<>();
        Set<UnitEntry> seen = new LinkedHashSet<>();
        for (UnitEntry start : byName) {
            path.push(start);
            while (!path.isEmpty()) {
                UnitEntry top = path.element();
                seen.add(top);
                UnitEntry leader = unseenLeader(top, units, seen);
                if (leader == null) {
                    sorted.add(path.pop());
                } else {
                    path.push(leader);
                }
            }
        }
        return List.copyOf(sorted);
    }

    private @Nullable UnitEntry unseenLeader(UnitEntry unit, Set<UnitEntry> units, Set<UnitEntry> seen) {
        for (String name : unit.requirements.peers()) {
            UnitEntry peer = cluster.unit(name);
            if (peer != null && units.contains(peer) && !seen.contains(peer)) {
                return peer;
            }
        }
        return null;
    }

    private static boolean unsettled(UnitEntry peer, @Nullable MachineEntry here) {
        return peer.placeable() && (!peer.attached || peer.dirty || peer.machine == here);
    }
}
