package io.raftfleet.etcd;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The registry, as the mirror reads it. Versions only rise, within one incarnation. Every call sees one moment, returns
 * soon, and returns no more than it is asked for; it is called by the mirror's thread.
 */
public interface MirrorSource {
    /**
     * Where the registry is.
     *
     * @param incarnation its life; 0 before its first entry
     * @param restoredFrom the life whose mirror this one was restored from; 0 for none
     * @param last version of the latest change of a mirrored fact
     * @param removalsForgotten removals up to this version are known no longer
     * @param generationBase what start generations are versions plus
     * @param asOf every write acknowledged so far is at or before this version
     */
    record Head(
            long incarnation, long restoredFrom, long last, long removalsForgotten, long generationBase, long asOf) {}

    /** A place among changes of one kind, in their order. */
    record Place(long version, String id) {
        /** After all changes of a version, before those of the next. */
        public static Place after(long version) {
            return new Place(version + 1, "");
        }
    }

    /**
     * A fact that changed last at {@code version}.
     *
     * @param value null when it was removed
     */
    record Change(
            MirrorValue.Kind kind,
            String id,
            long version,
            @Nullable MirrorValue value) {
        Place place() {
            return new Place(version, id);
        }
    }

    /**
     * All that changed since a version, and contents that are used no longer.
     *
     * @param to the version up to which it is complete
     * @param asOf as {@link Head#asOf()}
     * @param unusedTo the version up to which removals of contents are among them
     */
    record Diff(List<Change> changes, long to, long asOf, long unusedTo) {
        public Diff {
            changes = List.copyOf(changes);
        }
    }

    Head head();

    /**
     * Everything that changed after {@code from} as of one moment; contents removed after {@code unusedFrom} come last, as
     * many as there is room for. Empty when the rest does not fit.
     *
     * @param limit how many changes
     * @param bytes about how large together
     */
    Optional<Diff> diff(long from, long unusedFrom, int limit, long bytes);

    /** Facts of a kind, or removals of such, after a place and up to a version; at least one if there is any. */
    List<Change> changes(MirrorValue.Kind kind, boolean removals, Place after, long upTo, int limit, long bytes);

    /** Facts of a kind after an id, all of them when it is empty, in the order of their ids; at least one if there is any. */
    List<Change> list(MirrorValue.Kind kind, String afterId, int limit, long bytes);

    /** A fact as it is now; without a value when there is none, with the version of its removal then, 0 if that is not known. */
    Change find(MirrorValue.Kind kind, String id);
}
