package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Serialises messages with map fields in key order, so that equal rows are equal bytes on every engine. */
final class Deterministic {
    private Deterministic() {}

    static ByteString bytes(MessageLite message) {
        var bytes = new byte[message.getSerializedSize()];
        write(message, bytes, 0, bytes.length);
        return ByteString.copyFrom(bytes);
    }

    /** Fills {@code bytes} from {@code offset} to {@code end}, which has to be as much as the message takes. */
    static void write(MessageLite message, byte[] bytes, int offset, int end) {
        var out = CodedOutputStream.newInstance(bytes, offset, end - offset);
        out.useDeterministicSerialization();
        try {
            message.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
    }
}
