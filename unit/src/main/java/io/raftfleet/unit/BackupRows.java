package io.raftfleet.unit;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** Reads backups, whose format {@code cluster.proto} tells. */
public final class BackupRows {
    private static final byte[] MAGIC = "raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII);
    /** The largest row is a unit's contents. */
    private static final int LARGEST = 16 << 20;

    private BackupRows() {}

    /** Takes rows in the backup's order, before the checksum at its end is known. */
    public interface Sink {
        /** @throws IOException when the row makes no sense */
        void row(BackupRow row) throws IOException;
    }

    /**
     * Reads a backup whole and verifies its checksum: what the sink took counts only once this returns.
     *
     * @param name what messages call it
     * @throws IOException when it is no backup, is cut off or damaged
     */
    public static BackupHeader read(InputStream stream, String name, Sink sink) throws IOException {
        try (var file = new BufferedInputStream(stream, 1 << 16);
                var in = new DigestInputStream(file, MessageDigest.getInstance("SHA-256"))) {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new IOException(name + " is no backup file, or one of another version");
            }
            BackupHeader header = BackupHeader.parseFrom(message(in));
            for (byte[] row = message(in); row.length > 0; row = message(in)) {
                var parsed = BackupRow.parseFrom(row);
                if (parsed.getKey().isEmpty()) {
                    throw new EOFException("a row without a key");
                }
                sink.row(parsed);
            }
            byte[] sum = in.getMessageDigest().digest();
            if (!Arrays.equals(file.readNBytes(sum.length), sum) || file.read() != -1) {
                throw new IOException(name + " is damaged: its checksum is wrong. Take another backup file");
            }
            return header;
        } catch (EOFException | InvalidProtocolBufferException e) {
            throw new IOException(
                    name + " is damaged or cut off (" + e.getMessage() + "). Take another backup file", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static byte[] message(InputStream in) throws IOException {
        int first = in.read();
        if (first < 0) {
            throw new EOFException("it ends in the middle");
        }
        int length = CodedInputStream.readRawVarint32(first, in);
        if (length < 0 || length > LARGEST) {
            throw new EOFException("a row of " + length + " bytes");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("it ends in the middle");
        }
        return bytes;
    }
}
