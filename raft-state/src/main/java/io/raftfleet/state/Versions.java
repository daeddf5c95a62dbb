package io.raftfleet.state;

import io.raftfleet.proto.model.Revision;

/**
 * Versions of units: the Raft index of the change and its ordinal within the entry in one number that only rises. Also
 * used as start generations, so that no two starts of a name ever share one, whatever happened to the unit in between.
 */
public final class Versions {
    /** Stands, inside an entry, for "the version that an earlier record of this entry gave it". */
    public static final long IN_THIS_ENTRY = -1;

    /** How many changes an entry can make. Whoever writes one sees to it that it makes fewer: {@link Speculation#mostChanges}. */
    public static final int MAX_ORDINAL = (1 << 20) - 1;

    /** The highest index that a version has room for; at 1,000 entries a second it is reached after 280 years. */
    static final long MAX_INDEX = Long.MAX_VALUE >>> 20;

    private Versions() {}

    static long of(long index, int ordinal) {
        if (index < 0 || index > MAX_INDEX) {
            throw new IllegalStateException(
                    "index " + Long.toUnsignedString(index) + " is none that an entry can have");
        }
        if (ordinal > MAX_ORDINAL) {
            throw new IllegalStateException("an entry holds more than " + MAX_ORDINAL + " changes");
        }
        return (index << 20) | ordinal;
    }

    /** A version that contains all that the entry of this index changed, and all before. */
    public static long wholeEntry(long index) {
        return of(index, MAX_ORDINAL);
    }

    /** Raft index of a version. */
    public static long index(long version) {
        return version >>> 20;
    }

    /**
     * The version that a client's revision stands for; an ordinal beyond what an entry can hold is its end, and an index beyond
     * what there can be comes after all that there is.
     */
    public static long of(Revision revision) {
        if (revision.getIndex() < 0 || revision.getIndex() > MAX_INDEX) {
            return Long.MAX_VALUE;
        }
        return of(revision.getIndex(), (int) Math.min(MAX_ORDINAL, Integer.toUnsignedLong(revision.getOrdinal())));
    }

    /** The version as clients see it. */
    public static Revision revision(long incarnation, long version) {
        return Revision.newBuilder()
                .setIncarnation(incarnation)
                .setIndex(index(version))
                .setOrdinal((int) (version & MAX_ORDINAL))
                .build();
    }
}
