package io.raftfleet.fleetctl;

/** A command whose output may be longer than a screen, to be read with a pager. */
interface Paged {
    /** Whether this run ends by itself: what goes on is read as it comes. */
    default boolean ends() {
        return true;
    }
}
