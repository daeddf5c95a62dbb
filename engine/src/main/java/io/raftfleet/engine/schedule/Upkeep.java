package io.raftfleet.engine.schedule;

/**
 * What operators have said of a machine as a place for units.
 *
 * @param cordoned whether it takes no new units
 * @param empties whether those that it has are to leave it, too
 * @param moves how many of them may be on their way at a time
 * @param globals whether global units run there
 */
public record Upkeep(boolean cordoned, boolean empties, int moves, boolean globals) {
    /** A machine like any other. */
    public static final Upkeep NONE = new Upkeep(false, false, 0, true);

    /** It takes no new units. */
    public static final Upkeep CORDONED = new Upkeep(true, false, 0, true);
}
