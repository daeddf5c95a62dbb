package io.raftfleet.state.raft;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.Entry;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * State that changes only by applying log entries, in log order, the same way on every engine. Implemented by the
 * registry; kept free of Ratis.
 *
 * <p>{@link #apply}, {@link #capture} and {@link #restore} are called by one thread at a time, in log order.
 */
public interface ReplicatedState {
    /**
     * Applies an entry. Never fails for what an entry says: a record that no longer holds is dropped and its outcome says
     * so. Reads nothing but the state and the entry.
     *
     * @param index of the Raft entry; higher than any before
     */
    ApplyResult apply(long term, long index, Entry entry);

    /**
     * What became of each record of an entry.
     *
     * @param index of the entry
     * @param proposal as the entry has it
     * @param dropped by record, in order: null if it was applied, otherwise why it was dropped
     */
    record ApplyResult(long index, long proposal, List<@Nullable String> dropped) {}

    /**
     * Rows changed since the last capture (or since the start, or {@link #restore}), as they are now, and from now on none.
     * Costs what changed, not what is there; the rows are immutable and may be written later by another thread.
     */
    Capture capture();

    /**
     * Changed rows at one index.
     *
     * @param index applied last
     * @param term of that entry
     * @param rows what changed, in no order, to be gone through once: the bytes are made on the way; a row without a value is gone
     * @param digest of the whole state at this index, worked out when it is asked for, by whichever thread
     * @param heapBytes what the whole state takes of the heap, about
     */
    record Capture(long term, long index, List<Row> rows, Supplier<ByteString> digest, long heapBytes) {}

    /**
     * One row of a checkpoint: keys are unique, order is the bytes'.
     *
     * @param value null for a row that is gone
     */
    record Row(ByteString key, @Nullable ByteString value) {}

    /** Forgets everything and becomes what the rows say. Fails with {@link IllegalStateException} if they make no sense. */
    void restore(long term, long index, Iterator<Row> rows);

    /** What the whole state takes of the heap, about. Costs nothing. */
    long heapBytes();

    /**
     * Digest of the whole state as of now: equal on all engines at the same index. Worked out when it is asked for, by whichever thread; that
     * may take some hundredths of a second.
     */
    Supplier<ByteString> digestNow();

    /** The same at once. */
    default ByteString digest() {
        return digestNow().get();
    }

    /** Whether there is anything in it: false until a cluster is created in it, or restored as a whole. From any thread. */
    boolean begun();

    /** Index applied last; 0 when none. */
    long appliedIndex();
}
