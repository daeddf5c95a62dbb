package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.unit.SafeText;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** A log's bytes as text that is safe for a terminal. A character may begin in one chunk and end in the next. */
final class LogText {
    /** Bytes of a character whose rest has not come yet. */
    private static final int BROKEN = 4;

    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);

    private ByteBuffer left = ByteBuffer.allocate(0);

    /** The next chunk, with control characters but line ends and tabs escaped. */
    String next(ByteString chunk) {
        ByteBuffer bytes = ByteBuffer.allocate(left.remaining() + chunk.size());
        bytes.put(left);
        chunk.copyTo(bytes);
        bytes.flip();
        CharBuffer text = CharBuffer.allocate(bytes.remaining() + BROKEN);
        decoder.decode(bytes, text, false);
        left = bytes.slice();
        text.flip();
        return SafeText.escapeLines(text.toString());
    }
}
