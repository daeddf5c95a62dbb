package io.raftfleet.engine.control;

/**
 * For how long what waits for a decision may wait for others, so that one entry of the log holds them all. Measured in the time that
 * reports gather after a slow entry, up to 300 ms; see {@link DecisionLoop#gathering}. After a fast one nothing waits.
 */
public enum Urgency {
    /** It waits for nothing, and all else goes with it. */
    NOW,

    /** The report that ends much: once or twice as long as the last entry took, 50 ms at most, so that those of many machines go together. */
    PROMPT,

    /** Any report: for the time that reports gather. */
    SOON,

    /** Its machine has more to report soon: for twice that time. */
    LATER;

    /** How long it may wait, in nanoseconds, where others may for {@code gatherNanos}. */
    long limit(long gatherNanos) {
        return switch (this) {
            case NOW -> 0;
            case PROMPT -> gatherNanos / DecisionLoop.GATHERING_TIMES;
            case SOON -> gatherNanos;
            case LATER -> 2 * gatherNanos;
        };
    }
}
