package io.raftfleet.engine.schedule;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Says which {@code Replaces} count. A unit that comes to a machine drives off those that it replaces. Fleet ignores the
 * option between two units that replace each other ({@code hasReplace}), since they would chase each other for ever;
 * longer circles it forbids in its documentation only. Here an option is ignored whenever the replaced unit could in turn
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

    private boolean moves(UnitEntry mover, UnitEntry moved) {
        boolean movesNone =
                mover.replaces.length == 0 && cluster.followers(mover.name).isEmpty();
        return !movesNone && movedBy(mover).contains(moved);
    }
}
