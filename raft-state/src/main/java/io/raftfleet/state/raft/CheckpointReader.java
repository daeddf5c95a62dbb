package io.raftfleet.state.raft;

import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.io.IOException;
import java.util.Iterator;

/** Takes a checkpoint's rows: see {@link RaftNode#readCheckpoint}. */
@FunctionalInterface
public interface CheckpointReader {
    /**
     * Reads to the end or as far as it likes.
     *
     * @param term of the entry applied last
     * @param index of that entry
     * @param digest of the registry
     * @param rows valid during the call; throws {@link IllegalStateException} on damage
     */
    void read(long term, long index, ByteString digest, Iterator<Row> rows) throws IOException;
}
