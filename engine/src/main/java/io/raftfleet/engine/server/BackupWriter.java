package io.raftfleet.engine.server;

import com.google.common.hash.Hashing;
import com.google.common.hash.HashingOutputStream;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/** Writes a backup, whose format {@code cluster.proto} tells. */
final class BackupWriter {
    private static final byte[] MAGIC = "raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII);
    private static final int BUFFER = 8192;

    private BackupWriter() {}

    /**
     * Writes all of it, the checksum at its end included, and flushes.
     *
     * @param rows what the registry has at the header's index, once
     */
    static void write(OutputStream target, BackupHeader header, Iterator<Row> rows) throws IOException {
        var summed = new HashingOutputStream(Hashing.sha256(), target);
        summed.write(MAGIC);
        var out = CodedOutputStream.newInstance(summed, BUFFER);
        put(out, header);
        while (rows.hasNext()) {
            var row = rows.next();
            var value = row.value();
            put(
                    out,
                    BackupRow.newBuilder()
                            .setKey(row.key())
                            .setValue(value == null ? ByteString.EMPTY : value)
                            .build());
        }
        out.writeUInt32NoTag(0);
        out.flush();
        target.write(summed.hash().asBytes());
        target.flush();
    }

    private static void put(CodedOutputStream out, MessageLite message) throws IOException {
        out.writeUInt32NoTag(message.getSerializedSize());
        message.writeTo(out);
    }
}
