package io.raftfleet.engine.server;

import com.google.common.hash.Hashing;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;

/**
 * Where the next page of a list begins: after this name, and for states after this machine. A cursor, so that what comes or
 * goes between two pages makes no row appear twice or be skipped. The same on all engines; opaque to clients, with a
 * checksum that tells a made-up token.
 *
 * @param list which list it belongs to
 */
record PageToken(char list, String name, String machineId) {
    static PageToken start(char list) {
        return new PageToken(list, "", "");
    }

    String encode() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeInt(checksum());
            out.writeChar(list);
            out.writeUTF(name);
            out.writeUTF(machineId);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes.toByteArray());
    }

    /** Reads a token of this list; the empty one is its start. Fails with {@code INVALID_ARGUMENT}. */
    static PageToken decode(char list, String token) {
        if (token.isEmpty()) {
            return start(list);
        }
        try (var in = new DataInputStream(
                new ByteArrayInputStream(Base64.getUrlDecoder().decode(token)))) {
            int checksum = in.readInt();
            var decoded = new PageToken(in.readChar(), in.readUTF(), in.readUTF());
            if (decoded.checksum() == checksum
                    && decoded.list == list
                    && decoded.encode().equals(token)) {
                return decoded;
            }
        } catch (IllegalArgumentException | IOException e) {
            // As good as a wrong checksum.
        }
        throw Status.INVALID_ARGUMENT
                .withDescription("the page token is none of this list: start again without one")
                .asRuntimeException();
    }

    private int checksum() {
        return Hashing.murmur3_32_fixed()
                .newHasher()
                .putChar(list)
                .putUnencodedChars(name)
                .putChar('\0')
                .putUnencodedChars(machineId)
                .hash()
                .asInt();
    }
}
