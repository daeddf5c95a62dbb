package io.raftfleet.chaos.hostile;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.RequestId;
import java.util.List;
import java.util.random.RandomGenerator;

/** Values that nobody honest sends. Holds no state. */
final class Odd {
    /** Begins a line of its own in a log that an attacker's line break got into. */
    static final String FORGED_LINE = "hostile-forged-line";

    /** Units that attackers manage to make. */
    static final String PREFIX = "hostile";

    private static final List<String> WORDS = List.of(
            "",
            " ",
            "\u0000",
            "\u001b[2J\u001b[31m",
            "\u001b]0;title\u0007",
            "\n" + FORGED_LINE,
            "\r\n" + FORGED_LINE,
            "\u2028" + FORGED_LINE,
            "\u202e\u2066\u200b",
            "\u009b31m",
            "\u007f\b\b",
            "../../etc/passwd",
            "/",
            "@.service",
            "a@b@c.service",
            "%s%n%x",
            "<script>alert(1)</script>",
            "name.service\\",
            "\ud83d\ude80".repeat(50),
            "*a*a*a*a*a*a*a*a*a*a*a*a*b",
            "[",
            "-",
            "x".repeat(300) + ".service");
    private static final List<Integer> SIZES = List.of(200, 256, 4_096, 70_000, 400_000, 1 << 20, 3 << 20);
    private static final List<Long> NUMBERS =
            List.of(0L, 1L, -1L, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 31, 1L << 32, 1L << 43, 1L << 45);

    private Odd() {}

    static String text(RandomGenerator random) {
        var word = WORDS.get(random.nextInt(WORDS.size()));
        return switch (random.nextInt(4)) {
            case 0 -> word;
            case 1 -> PREFIX + word + random.nextInt(100) + ".service";
            case 2 -> word.isEmpty() ? "x" : word.repeat(Math.min(500, size(random) / word.length() + 1));
            default -> "y".repeat(size(random)) + word;
        };
    }

    static int size(RandomGenerator random) {
        return SIZES.get(random.nextInt(SIZES.size()));
    }

    static long number(RandomGenerator random) {
        return random.nextBoolean() ? NUMBERS.get(random.nextInt(NUMBERS.size())) : random.nextLong();
    }

    static byte[] bytes(RandomGenerator random, int size) {
        var bytes = new byte[size];
        random.nextBytes(bytes);
        return bytes;
    }

    static ByteString hash(RandomGenerator random) {
        return ByteString.copyFrom(bytes(random, random.nextInt(3) == 0 ? random.nextInt(100) : 20));
    }

    /** Mostly one that is taken, so that what else is wrong gets looked at. */
    static RequestId id(RandomGenerator random) {
        var id = RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes(random, 16)))
                .setIssuedAtMs(System.currentTimeMillis());
        return switch (random.nextInt(12)) {
            case 0 -> RequestId.getDefaultInstance();
            case 1 -> id.setId(ByteString.copyFrom(bytes(random, size(random)))).build();
            case 2 -> id.setIssuedAtMs(number(random)).build();
            case 3 -> id.setId(ByteString.copyFrom(new byte[16])).build();
            default -> id.build();
        };
    }
}
