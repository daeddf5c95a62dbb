package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.List;

/**
 * Which global units a machine runs: those that admit its metadata and conflict neither with a unit that is scheduled to it nor
 * with a global one of a lower name that it runs. As in fleet ({@code clusterState.agents}, {@code desiredAgentState}), a global
 * unit never drives another away.
 *
 * <p>The one place of this rule. Engines apply entries by it and the leader schedules by it, each over tables of its own: whoever
 * changes it makes a new entry format, or engines of two versions come to different registries. Keeps nothing.
 *
 * @param <G> a global unit
 * @param <M> a machine
 */
public abstract class GlobalUnits<G, M> {
    /** The global units that are to run, in the order of their names. */
    protected abstract Iterable<G> wanted();

    /** Those of {@link #wanted} that name others that they conflict with, in the order of their names; mostly few, or none. */
    protected abstract Iterable<G> declaring();

    protected abstract String name(G global);

    protected abstract Requirements wants(G global);

    /** Whether a machine can run it at all: its metadata meet what the unit asks for, and it is not at the end of being drained. */
    protected abstract boolean admits(G global, M machine);

    /** Whether a unit that is scheduled to a machine and this one may not be together, whichever says so. */
    protected abstract boolean conflictsWithScheduled(G global, M machine);

    /** The global units that a machine runs, in the order of their names. */
    public final List<G> on(M machine) {
        var running = new ArrayList<G>();
        var declaring = new ArrayList<G>(); // those of them that name others
        for (var global : wanted()) {
            if (!admits(global, machine) || conflictsWithScheduled(global, machine)) {
                continue;
            }
            boolean declares = !wants(global).conflicts().isEmpty();
            if ((declares ? running : declaring).stream().noneMatch(earlier -> conflict(earlier, global))) {
                running.add(global);
                if (declares) {
                    declaring.add(global);
                }
            }
        }
        return running;
    }

    /** Whether a machine runs a global unit, which is one of those that are to run. */
    public final boolean runsOn(G global, M machine) {
        if (!admits(global, machine) || conflictsWithScheduled(global, machine)) {
            return false;
        }
        // One that names no others can only be named by them.
        boolean declares = !wants(global).conflicts().isEmpty();
        for (var earlier : declares ? wanted() : declaring()) {
            if (name(earlier).compareTo(name(global)) >= 0) {
                return true;
            }
            if (conflict(earlier, global)) {
                return on(machine).contains(global);
            }
        }
        return true;
    }

    private boolean conflict(G one, G other) {
        return Requirements.conflict(name(one), wants(one), name(other), wants(other));
    }
}
