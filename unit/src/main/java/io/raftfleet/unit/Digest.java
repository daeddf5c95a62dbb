package io.raftfleet.unit;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.model.UnitState;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A digest of a set of entries that can be kept up to date entry by entry: the sum, modulo 2^64, of the entries' hashes,
 * in {@value #BUCKETS} buckets by unit name. Equal sets have equal digests whatever the order in which they came about;
 * agent and engine compare whole digests first, then buckets, so that only what differs moves.
 *
 * <p>Not safe for use by several threads.
 */
public final class Digest {
    /** How many buckets a digest has. */
    public static final int BUCKETS = 64;

    private final long[] buckets = new long[BUCKETS];

    /** The bucket, from 0, that the unit of this name belongs to. */
    public static int bucket(String name) {
        return (int) (hash(0, name) >>> 58);
    }

    /** Hash of an order to a machine. */
    public static long of(AssignedUnit unit) {
        long h = hash(1, unit.getName());
        h = hash(h, unit.getHash());
        h = mix(h + unit.getTargetStateValue());
        return mix(h + unit.getStartGeneration());
    }

    /** Hash of a state of a unit on a machine; the machine's id is not part of it. */
    public static long of(UnitState state) {
        long h = hash(2, state.getName());
        h = hash(h, state.getLoadState());
        h = hash(h, state.getActiveState());
        h = hash(h, state.getSubState());
        h = hash(h, state.getHash());
        h = hash(h, state.getError());
        h = mix(h + (state.getLaunched() ? 1 : 0) + ((long) state.getMainPid() << 1));
        h = state.getStartGeneration() == 0 ? h : mix(h + state.getStartGeneration());
        return state.getPending() ? mix(h + 1) : h;
    }

    /** Adds an entry of the unit {@code name} whose hash is {@code entry}. */
    public void add(String name, long entry) {
        buckets[bucket(name)] += entry;
    }

    /** Takes out an entry that was added before. */
    public void remove(String name, long entry) {
        buckets[bucket(name)] -= entry;
    }

    /** Digest over all buckets; 0 for an empty set. */
    public long whole() {
        return Arrays.stream(buckets).sum();
    }

    /** Digest of one bucket. */
    public long bucketDigest(int bucket) {
        return buckets[bucket];
    }

    private static long hash(long seed, String text) {
        return hash(seed, ByteString.copyFrom(text, StandardCharsets.UTF_8));
    }

    /** FNV-1a over the bytes, then mixed, so that sums of near-equal entries don't cancel out. */
    private static long hash(long seed, ByteString bytes) {
        long h = 0xcbf29ce484222325L ^ mix(seed + 0x9e3779b97f4a7c15L);
        for (int i = 0; i < bytes.size(); i++) {
            h = (h ^ (bytes.byteAt(i) & 0xff)) * 0x100000001b3L;
        }
        return mix(h + bytes.size());
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long z) {
        long x = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
        return x ^ (x >>> 31);
    }
}
