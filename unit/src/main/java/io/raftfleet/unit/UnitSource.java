package io.raftfleet.unit;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A unit file as it was submitted, to the byte: comments, spacing and all. It is for people to read; what a unit is, its hash and what
 * machines are told go by the {@link UnitFile} that was read in it.
 *
 * @param digest SHA-256 of the text in UTF-8, as 64 hexadecimal digits in lower case
 */
public record UnitSource(String text, String digest) {
    /** The longest that is kept, in bytes of UTF-8; of a longer file its options alone are. */
    public static final int MAX_BYTES = Units.MAX_BYTES;

    /** What is to be kept beside a file's options: null when the text is nothing but these, or too long. */
    public static @Nullable UnitSource of(String text, UnitFile file) {
        return text.isEmpty() || text.equals(file.text()) || SafeText.bytes(text) > MAX_BYTES ? null : of(text);
    }

    /** A text that is kept. */
    public static UnitSource of(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return new UnitSource(text, HexFormat.of().formatHex(digest));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every Java runtime must have", e);
        }
    }

    /** A digest as the contracts carry it, 32 bytes; empty for null. */
    public static ByteString toBytes(@Nullable String digest) {
        return digest == null
                ? ByteString.EMPTY
                : ByteString.copyFrom(HexFormat.of().parseHex(digest));
    }

    /** A digest that the contracts carried, in hexadecimal; null when there is none. */
    public static @Nullable String toHex(ByteString digest) {
        return digest.isEmpty() ? null : HexFormat.of().formatHex(digest.toByteArray());
    }
}
