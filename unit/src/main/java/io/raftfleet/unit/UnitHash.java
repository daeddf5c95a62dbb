package io.raftfleet.unit;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SHA-1 of a unit file's serialised text: 20 bytes, held in 20. What fleet shows as the unit's hash.
 *
 * @param high bytes 0 to 7, big-endian
 * @param middle bytes 8 to 15
 * @param low bytes 16 to 19
 */
public record UnitHash(long high, long middle, int low) implements Comparable<UnitHash> {
    /** Length in bytes. */
    public static final int BYTES = 20;

    /** Length of the form in which fleetctl lists hashes, in hexadecimal digits. */
    private static final int ABBREVIATED = 7;

    /** The hash of a file with this text. */
    public static UnitHash ofText(String text) {
        try {
            return from(MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-1, which every Java runtime must have", e);
        }
    }

    /**
     * The hash with these 20 bytes.
     *
     * @throws IllegalArgumentException if there are not 20
     */
    public static UnitHash from(byte[] bytes) {
        return from(ByteBuffer.wrap(bytes));
    }

    /**
     * The hash with these 20 bytes.
     *
     * @throws IllegalArgumentException if there are not 20
     */
    public static UnitHash from(ByteString bytes) {
        return from(bytes.asReadOnlyByteBuffer());
    }

    /**
     * The hash written as 40 hexadecimal digits of either case.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static UnitHash fromHex(String hex) {
        if (hex.length() != 2 * BYTES) {
            throw new IllegalArgumentException("a unit hash has " + 2 * BYTES + " hexadecimal digits, not "
                    + hex.length() + ": " + Text.quote(hex));
        }
        return from(HexFormat.of().parseHex(hex));
    }

    private static UnitHash from(ByteBuffer bytes) {
        if (bytes.remaining() != BYTES) {
            throw new IllegalArgumentException("a unit hash has " + BYTES + " bytes, not " + bytes.remaining());
        }
        return new UnitHash(bytes.getLong(), bytes.getLong(), bytes.getInt());
    }

    /** The 20 bytes. */
    public byte[] toBytes() {
        return ByteBuffer.allocate(BYTES)
                .putLong(high)
                .putLong(middle)
                .putInt(low)
                .array();
    }

    /** The 20 bytes, as the contracts carry them. */
    public ByteString toByteString() {
        return ByteString.copyFrom(toBytes());
    }

    /** 40 lower-case hexadecimal digits. */
    public String toHex() {
        return HexFormat.of().formatHex(toBytes());
    }

    /** The first 7 hexadecimal digits, as fleetctl lists them. */
    public String abbreviated() {
        return toHex().substring(0, ABBREVIATED);
    }

    /** Orders by the bytes, unsigned. Lets hash tables stay fast when someone searches for hashes that collide in them. */
    @Override
    public int compareTo(UnitHash other) {
        int order = Long.compareUnsigned(high, other.high);
        if (order == 0) {
            order = Long.compareUnsigned(middle, other.middle);
        }
        return order == 0 ? Integer.compareUnsigned(low, other.low) : order;
    }

    /** The bytes are a hash already. */
    @Override
    public int hashCode() {
        return (int) high;
    }

    /** {@link #toHex()}. */
    @Override
    public String toString() {
        return toHex();
    }
}
