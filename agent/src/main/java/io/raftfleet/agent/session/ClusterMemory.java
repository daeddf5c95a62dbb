package io.raftfleet.agent.session;

/**
 * The cluster that a machine belongs to, as its last session showed it.
 *
 * @param clusterId empty before the first session
 * @param incarnation life of the registry, 0 before the first session
 * @param term the highest that was seen
 */
public record ClusterMemory(String clusterId, long incarnation, long term) {
    /** Of a machine that never had a session. */
    public static final ClusterMemory NONE = new ClusterMemory("", 0, 0);

    /**
     * A restored registry counts on from the incarnation before, one for each second that has passed since that one began; so
     * much is believed at once.
     */
    private static final long MAX_RESTORATIONS = 1L << 32;

    /**
     * Whether an engine of that cluster and incarnation is another's: never for a machine that remembers none. A later life of
     * the same registry, restored from a mirror, is its own; a registry that was begun anew is not.
     */
    public boolean foreign(String otherId, long otherIncarnation) {
        return !clusterId.isEmpty()
                && (!clusterId.equals(otherId)
                        || Long.compareUnsigned(otherIncarnation - incarnation, MAX_RESTORATIONS) >= 0);
    }

    /** Whether a leader of that term has been followed by another; terms begin anew with each incarnation. */
    public boolean outdated(long otherIncarnation, long otherTerm) {
        return otherIncarnation == incarnation && Long.compareUnsigned(otherTerm, term) < 0;
    }

    /** Keeps what a machine remembers. */
    public interface Keeper {
        /** What was last kept. */
        ClusterMemory load();

        /** Keeps {@code memory}; returns at once, what goes wrong is logged. */
        void keep(ClusterMemory memory);

        /** For machines that live as long as their process. */
        static Keeper inMemory() {
            return new Keeper() {
                private volatile ClusterMemory kept = NONE;

                @Override
                public ClusterMemory load() {
                    return kept;
                }

                @Override
                public void keep(ClusterMemory memory) {
                    kept = memory;
                }
            };
        }
    }
}
