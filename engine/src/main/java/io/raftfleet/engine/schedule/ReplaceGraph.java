package io.raftfleet.engine.schedule;

import io.raftfleet.unit.Requirements;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Says which {@code Replaces} count. A unit that comes to a machine drives off those that it replaces. Fleet ignores the
 * option between two units that replace each other ({@code hasReplace}), since they would chase each other for ever;
 * circles it forbids in its documentation only. Here a unit that would close one is refused ({@link #circle}). Registries of before,
 * and units that {@code MachineOf} ties together, may have circles all the same: an option is ignored whenever the replaced unit could in turn
 * make the replacing one move, through any chain of {@code Replaces} and of followers ({@code MachineOf}) that move with
 * their peers. What is left has no circles, so decisions come to rest.
 */
final class ReplaceGraph {
    private final Cluster cluster;

    ReplaceGraph(Cluster cluster) {
        this.cluster = cluster;
    }

    /** Whether one unit may not be on a machine where the other is, which replaces it. */
    boolean replaces(UnitEntry replacer, UnitEntry replaced) {
        return replacer != replaced
                && !replaced.global()
                && replacer.requirements.replaces(replaced.name)
                && !moves(replaced, replacer);
    }

    /** The unit, and all that may have to move when it moves. */
    Set<UnitEntry> movedBy(UnitEntry unit) {
        Set<UnitEntry> moved = new LinkedHashSet<>();
        moved.add(unit);
        Deque<UnitEntry> open = new ArrayDeque<>(moved);
        while (!open.isEmpty()) {
            UnitEntry next = open.remove();
            for (UnitEntry follower : cluster.followers(next.name)) {
                if (moved.add(follower)) {
                    open.add(follower);
                }
            }
            for (NamePattern pattern : next.replaces) {
                for (UnitEntry replaced : cluster.unitsMatching(pattern)) {
                    if (!replaced.global() && moved.add(replaced)) {
                        open.add(replaced);
                    }
                }
            }
        }
        return moved;
    }

    /**
     * The circle that a unit would close with what it replaces, the shortest first: that unit, one that it replaces, and so on to
     * one that replaces it. Empty when there is none. Looks at nothing but units that replace others.
     *
     * @param name of a unit that need not be known; what is known of it does not count
     */
    List<String> circle(String name, Requirements wants) {
        if (wants.replaces().isEmpty()) {
            return List.of();
        }
        Map<String, String> replacedBy = new HashMap<>();
        Deque<String> open = new ArrayDeque<>(List.of(name));
        while (!open.isEmpty()) {
            String replaced = open.remove();
            for (NamePattern pattern : cluster.patternsMatching(replaced)) {
                for (UnitEntry replacer : pattern.replacers) {
                    if (!replacer.name.equals(name)
                            && !replacer.name.equals(replaced)
                            && replacedBy.putIfAbsent(replacer.name, replaced) == null) {
                        if (wants.replaces(replacer.name)) {
                            return path(name, replacer.name, replacedBy);
                        }
                        open.add(replacer.name);
                    }
                }
            }
        }
        return List.of();
    }

    private static List<String> path(String first, String second, Map<String, String> replacedBy) {
        List<String> circle = new ArrayList<>(List.of(first));
        for (String next = second; next != null && !next.equals(first); next = replacedBy.get(next)) {
            circle.add(next);
        }
        return circle;
    }

    private boolean moves(UnitEntry mover, UnitEntry moved) {
        boolean movesNone =
                mover.replaces.length == 0 && cluster.followers(mover.name).isEmpty();
        return !movesNone && movedBy(mover).contains(moved);
    }
}
