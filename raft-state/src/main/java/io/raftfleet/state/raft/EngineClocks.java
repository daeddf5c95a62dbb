package io.raftfleet.state.raft;

import java.util.List;

/**
 * What the clocks of a cluster's engines show, as far as one of them has heard.
 *
 * @param voters how many engines there are, the one that asks among them
 * @param others what the clocks of those others show now, in milliseconds of Unix time, that have said so in the last minute
 */
public record EngineClocks(int voters, List<Long> others) {
    /** An engine that has heard of no others. */
    public static final EngineClocks ALONE = new EngineClocks(1, List.of());

    public EngineClocks {
        others = List.copyOf(others);
    }
}
