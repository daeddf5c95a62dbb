package io.raftfleet.etcd;

import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import java.util.Map;

/** A persistent fact, as it is mirrored. Nothing of it is transient: no states, machines or heartbeats. */
public sealed interface MirrorValue {
    /** What the mirror has keys for, in the order in which they are written: none refers to a later one. */
    enum Kind {
        CONTENTS("contents"),
        SOURCE("sources"),
        UNIT("units"),
        SCHEDULE("schedule"),
        METADATA("metadata");

        private final String folder;

        Kind(String folder) {
            this.folder = folder;
        }

        /** Last part of its keys' prefix. */
        String folder() {
            return folder;
        }
    }

    /** Contents of unit files; the key has their hash. */
    record Contents(String text) implements MirrorValue {}

    /** A unit file as it was submitted; the key has its digest. */
    record Source(String text) implements MirrorValue {}

    /**
     * A unit; the key has its name.
     *
     * @param hash of its contents, in hexadecimal
     * @param startGeneration as the machine that runs it was told it
     * @param source digest of its file as it was submitted, in hexadecimal; empty for none
     * @param changedBy who changed it last; empty when that is not known
     * @param changedAtMs when, in milliseconds of Unix time; 0 when that is not known
     */
    record Unit(
            String hash,
            TargetState target,
            long startGeneration,
            boolean global,
            String source,
            String changedBy,
            long changedAtMs)
            implements MirrorValue {
        /** Of which no more is known. */
        public Unit(String hash, TargetState target, long startGeneration, boolean global) {
            this(hash, target, startGeneration, global, "", "", 0);
        }
    }

    /** Where a unit is scheduled to; the key has the unit's name. */
    record Schedule(String machineId) implements MirrorValue {}

    /**
     * What operators say of a machine; the key has the machine's id.
     *
     * @param set values in place of, or beside, those that the agent announces
     * @param removed keys that count as not announced
     * @param mark whether it is a place for units; of no kind when nothing was said of that
     */
    record Metadata(Map<String, String> set, List<String> removed, MachineMark mark) implements MirrorValue {
        public Metadata {
            set = Map.copyOf(set);
            removed = List.copyOf(removed);
        }
    }
}
