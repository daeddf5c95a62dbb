package io.raftfleet.etcd;

import org.jspecify.annotations.Nullable;

/**
 * How far the mirror is. Moves in each transaction, which compares its key's revision: so only one leader's writes go
 * through, and none twice.
 *
 * @param cluster id of the cluster whose mirror this is
 * @param incarnation the registry's life, in hexadecimal
 * @param generationBase what start generations are versions plus, in this incarnation
 * @param term of the leader that wrote it
 * @param from everything up to this version is in the mirror
 * @param to the version that the writer was on its way to; everything is there once {@code complete}
 * @param unusedFrom contents that became unused up to this version are gone from the mirror
 * @param cursor where on its way from {@code from} to {@code to} the writer was; null at the end and the beginning
 * @param complete whether {@code to} has been reached, and no unused contents are left
 * @param built whether the mirror was ever complete: until then nothing can be restored from it
 * @param comparing whether the way leads over a comparison of all keys, which begins anew when it is interrupted
 */
record Watermark(
        String cluster,
        String incarnation,
        long generationBase,
        long term,
        long from,
        long to,
        long unusedFrom,
        @Nullable Cursor cursor,
        boolean complete,
        boolean built,
        boolean comparing) {
    /** A step of a catch-up, and the last fact that it wrote; version -1 before its first. */
    record Cursor(int step, long version, String id) {}

    long incarnationNumber() {
        return Long.parseUnsignedLong(incarnation, 16);
    }

    static Watermark first(String cluster, MirrorSource.Head head, long term) {
        return new Watermark(
                cluster,
                Long.toHexString(head.incarnation()),
                head.generationBase(),
                term,
                0,
                0,
                0,
                null,
                false,
                false,
                true);
    }

    Watermark by(MirrorSource.Head head, long newTerm) {
        return new Watermark(
                cluster,
                Long.toHexString(head.incarnation()),
                head.generationBase(),
                newTerm,
                from,
                to,
                unusedFrom,
                cursor,
                complete,
                built,
                comparing);
    }

    /** On the way to {@code newTo} through the changes since {@code from}. */
    Watermark on(long newTo, @Nullable Cursor newCursor) {
        return new Watermark(
                cluster,
                incarnation,
                generationBase,
                term,
                from,
                newTo,
                unusedFrom,
                newCursor,
                false,
                built,
                comparing);
    }

    /** All facts up to {@code newTo} are there, and contents unused since {@code newUnusedFrom} may be, too. */
    Watermark reached(long newTo, long newUnusedFrom) {
        boolean all = newUnusedFrom >= newTo && !comparing;
        return new Watermark(
                cluster,
                incarnation,
                generationBase,
                term,
                newTo,
                newTo,
                newUnusedFrom,
                null,
                all,
                built || all,
                comparing);
    }

    /** A comparison of all keys begins. */
    Watermark compare() {
        return new Watermark(cluster, incarnation, generationBase, term, 0, 0, 0, null, false, built, true);
    }

    /** The comparison is over. */
    Watermark compared() {
        return new Watermark(
                cluster, incarnation, generationBase, term, from, to, unusedFrom, null, unusedFrom >= to, true, false);
    }
}
