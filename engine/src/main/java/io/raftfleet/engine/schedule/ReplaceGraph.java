package io.raftfleet.engine.schedule;

import io.raftfleet.unit.Requirements;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Says which {@code Replaces} count. A unit that comes to a machine drives off those that it replaces. Fleet ignores the
 * option between two units that replace each other ({@code hasReplace}), since they would chase each other for ever;
 * circles it forbids in its documentation only. Here a unit that would close one is refused ({@link #circle}), also one that goes through
 * followers ({@code MachineOf}). Registries of before may have circles all the same: an option is ignored whenever the replaced unit could in turn
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
     * A unit on the way to the one in question: it makes {@code next} move, which goes on to that one.
     *
     * @param replaces whether it replaces {@code next}, which else follows it
     * @param any whether it, or one after it, replaces another
     */
    private record Link(String unit, @Nullable Link next, boolean replaces, boolean any) {
        Link before(String cause, boolean byReplacing) {
            return new Link(cause, this, byReplacing, any || byReplacing);
        }
    }

    /**
     * The circle that a unit would close, the shortest first, in words: what it would make move, by replacing it or as a follower
     * ({@code MachineOf}), and so on to what would make it move. Empty when there is none in which a unit replaces another. Looks at
     * nothing but units that replace others, and at those that units follow.
     *
     * @param name of a unit that need not be known; what is known of it does not count, but for its followers
     */
    String circle(String name, Requirements wants) {
        if (wants.replaces().isEmpty() && cluster.followers(name).isEmpty()) {
            return "";
        }
        Set<String> seen = new HashSet<>();
        Deque<Link> open = new ArrayDeque<>(List.of(new Link(name, null, false, false)));
        while (!open.isEmpty()) {
            Link link = open.remove();
            boolean first = link.next() == null;
            var unit = cluster.unit(link.unit());
            if (!first && unit == null) {
                continue; // a peer that is not there
            }
            if (!first && wants.replaces(link.unit())) {
                return words(link.before(name, true));
            }
            var peers = first || unit == null ? wants.peers() : unit.requirements.peers();
            if (!first && link.any() && peers.contains(name)) {
                return words(link.before(name, false));
            }
            for (NamePattern pattern : cluster.patternsMatching(link.unit())) {
                for (UnitEntry replacer : pattern.replacers) {
                    if (!replacer.name.equals(link.unit())) {
                        add(link.before(replacer.name, true), name, seen, open);
                    }
                }
            }
            for (String peer : peers) {
                add(link.before(peer, false), name, seen, open);
            }
        }
        return "";
    }

    private static void add(Link link, String name, Set<String> seen, Deque<Link> open) {
        if (!link.unit().equals(name) && seen.add(link.unit() + " " + link.any())) {
            open.add(link);
        }
    }

    private static String words(Link circle) {
        var words = new StringBuilder("it would ").append(circle.replaces() ? "replace" : "be followed by");
        Link link = circle.next();
        while (link != null && link.next() != null) {
            words.append(' ')
                    .append(link.unit())
                    .append(", which ")
                    .append(link.replaces() ? "replaces" : "is followed by");
            link = link.next();
        }
        return words.append(' ').append(link == null ? "" : link.unit()).toString();
    }

    private boolean moves(UnitEntry mover, UnitEntry moved) {
        boolean movesNone =
                mover.replaces.length == 0 && cluster.followers(mover.name).isEmpty();
        return !movesNone && movedBy(mover).contains(moved);
    }
}
