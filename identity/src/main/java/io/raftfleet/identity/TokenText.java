package io.raftfleet.identity;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;

/**
 * A token as it is pasted: one word, with all that somebody needs who has nothing else. Whoever has it may use it.
 *
 * @param id names it
 * @param secret proves it; hexadecimal
 * @param kind what it makes of somebody
 * @param name of whom; empty: of whoever is new
 * @param cluster the cluster's id
 * @param authorityDigest SHA-256 of the certificate of the cluster's authority, hexadecimal
 * @param endpoints gRPC addresses of engines, {@code host:port}
 */
public record TokenText(
        String id,
        String secret,
        SpiffeId.Kind kind,
        String name,
        String cluster,
        String authorityDigest,
        List<String> endpoints) {
    /** What each begins with; the number is the form's. */
    public static final String PREFIX = "raftfleet-token-1.";

    private static final int PARTS = 7;
    /** Longest that there is, in bytes. */
    public static final int MOST = 4096;

    public TokenText {
        endpoints = List.copyOf(endpoints);
    }

    /** The word. */
    public String text() {
        String body = String.join(
                "\n", id, secret, kind.label(), name, cluster, authorityDigest, String.join(",", endpoints));
        String encoded = Base64.getUrlEncoder().withoutPadding().encodeToString(body.getBytes(StandardCharsets.UTF_8));
        return PREFIX + encoded + "." + sum(encoded);
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException when it is none, or not whole, without showing it
     */
    public static TokenText parse(String text) {
        String word = text.strip();
        if (!word.startsWith(PREFIX) || word.length() > MOST) {
            throw new IllegalArgumentException(
                    "this is no token: one begins with " + PREFIX + " and is made by fleetctl token create");
        }
        String[] halves = word.substring(PREFIX.length()).split("\\.", -1);
        if (halves.length != 2 || !sum(halves[0]).equals(halves[1])) {
            throw new IllegalArgumentException(
                    "the token is not whole, or was changed on its way: paste the whole line again");
        }
        try {
            String body = new String(Base64.getUrlDecoder().decode(halves[0]), StandardCharsets.UTF_8);
            String[] parts = body.split("\n", -1);
            if (parts.length != PARTS) {
                throw new IllegalArgumentException("the token has " + parts.length + " parts, not " + PARTS);
            }
            return new TokenText(
                    parts[0],
                    parts[1],
                    SpiffeId.Kind.valueOf(parts[2].toUpperCase(Locale.ROOT)),
                    parts[3],
                    parts[4],
                    parts[5],
                    List.of(parts[6].split(",", -1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the token can't be read; it was made by another version?", e);
        }
    }

    private static String sum(String encoded) {
        var crc = new CRC32();
        crc.update(encoded.getBytes(StandardCharsets.US_ASCII));
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "token " + id;
    }
}
