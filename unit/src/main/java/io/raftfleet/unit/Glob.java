package io.raftfleet.unit;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A pattern with exactly the semantics of Go's {@code path.Match}: {@code *} any run without "/", {@code ?} any
 * character but "/", {@code [a-z]} and {@code [^a-z]} classes, {@code \} takes the next character literally; the pattern
 * must match the whole name. Like Go's, a class can match "/", and what follows a {@code *} may start amid the bytes of
 * a character.
 *
 * <p>Only the last {@code *} is ever reconsidered, so matching takes at most time proportional to the product of both
 * lengths. Works on UTF-8, one byte a {@code char}; ASCII is its own such form. Immutable.
 */
public final class Glob {
    private static final int REPLACEMENT = 0xFFFD;

    private final String source;
    /** UTF-8 bytes of the pattern as chars. */
    private final String pattern;

    private Glob(String source, String pattern) {
        this.source = source;
        this.pattern = pattern;
    }

    /**
     * Checks a pattern.
     *
     * @throws InvalidPatternException if a class is not closed, empty or has an incomplete range, or if a backslash
     *     ends the pattern
     */
    public static Glob compile(String pattern) throws InvalidPatternException {
        String bytes = toBytes(pattern);
        String fault = fault(bytes);
        if (fault != null) {
            throw new InvalidPatternException(pattern, fault);
        }
        return new Glob(pattern, bytes);
    }

    /** False when the text, as a pattern, matches just itself: it has none of {@code * ? [ \}. */
    public static boolean isPattern(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '*' || c == '?' || c == '[' || c == '\\') {
                return true;
            }
        }
        return false;
    }

    /** The pattern as it was compiled from. */
    public String pattern() {
        return source;
    }

    /** What every name that it matches begins with: its text up to the first wildcard, without the escapes; ASCII alone. */
    public String prefix() {
        var prefix = new StringBuilder();
        for (int p = 0; p < pattern.length(); p++) {
            char c = pattern.charAt(p);
            if (c == '*' || c == '?' || c == '[') {
                break;
            }
            if (c == '\\') {
                c = pattern.charAt(++p);
            }
            if (c >= 0x80) {
                break;
            }
            prefix.append(c);
        }
        return prefix.toString();
    }

    /** Whether the pattern matches the whole name. */
    public boolean matches(String name) {
        String bytes = toBytes(name);
        int p = 0;
        int s = 0;
        int afterStar = -1;
        int starAt = 0;
        while (true) {
            if (p < pattern.length() && pattern.charAt(p) == '*') {
                while (p < pattern.length() && pattern.charAt(p) == '*') {
                    p++;
                }
                if (p == pattern.length()) {
                    return bytes.indexOf('/', s) < 0;
                }
                afterStar = p;
                starAt = s;
                continue;
            }
            if (p == pattern.length()) {
                if (s == bytes.length()) {
                    return true;
                }
            } else if (s < bytes.length()) {
                int length = matchOne(p, bytes, s);
                if (length > 0) {
                    p = elementEnd(p);
                    s += length;
                    continue;
                }
            }
            if (afterStar < 0 || starAt == bytes.length() || bytes.charAt(starAt) == '/') {
                return false;
            }
            starAt++;
            p = afterStar;
            s = starAt;
        }
    }

    /** How many bytes of the name at {@code s} the element of the pattern at {@code p} matches; 0 for none. */
    private int matchOne(int p, String name, int s) {
        return switch (pattern.charAt(p)) {
            case '?' -> name.charAt(s) == '/' ? 0 : runeLength(name, s);
            case '[' -> matchClass(p + 1, rune(name, s)) ? runeLength(name, s) : 0;
            case '\\' -> pattern.charAt(p + 1) == name.charAt(s) ? 1 : 0;
            default -> pattern.charAt(p) == name.charAt(s) ? 1 : 0;
        };
    }

    private boolean matchClass(int start, int rune) {
        int p = start;
        boolean negated = pattern.charAt(p) == '^';
        if (negated) {
            p++;
        }
        boolean match = false;
        while (pattern.charAt(p) != ']') {
            p = skipEscape(p);
            int low = rune(pattern, p);
            int high = low;
            p += runeLength(pattern, p);
            if (pattern.charAt(p) == '-') {
                p = skipEscape(p + 1);
                high = rune(pattern, p);
                p += runeLength(pattern, p);
            }
            match |= low <= rune && rune <= high;
        }
        return match != negated;
    }

    private int skipEscape(int p) {
        return pattern.charAt(p) == '\\' ? p + 1 : p;
    }

    /** Where the element after the one at {@code p} starts. */
    private int elementEnd(int p) {
        return switch (pattern.charAt(p)) {
            case '\\' -> p + 2;
            case '[' -> {
                int end = p + 1;
                while (pattern.charAt(end) != ']') {
                    end += pattern.charAt(end) == '\\' ? 2 : 1;
                }
                yield end + 1;
            }
            default -> p + 1;
        };
    }

    private static @Nullable String fault(String pattern) {
        int p = 0;
        while (p < pattern.length()) {
            char c = pattern.charAt(p++);
            if (c == '\\') {
                if (p == pattern.length()) {
                    return "it ends in a backslash that escapes nothing";
                }
                p++;
            } else if (c == '[') {
                if (p < pattern.length() && pattern.charAt(p) == '^') {
                    p++;
                }
                int start = p;
                while (p == start || p >= pattern.length() || pattern.charAt(p) != ']') {
                    p = rangeEnd(pattern, p);
                    if (p < 0) {
                        return "it has a class in brackets that is empty, not closed, or has an incomplete range";
                    }
                }
                p++;
            }
        }
        return null;
    }

    /** End of the character or range in a class that starts at {@code start}; -1 when it is malformed. */
    private static int rangeEnd(String pattern, int start) {
        int p = memberEnd(pattern, start);
        if (p >= 0 && pattern.charAt(p) == '-') {
            p = memberEnd(pattern, p + 1);
        }
        return p;
    }

    /** End of one character in a class, which more must follow; -1 when it is malformed. */
    private static int memberEnd(String pattern, int start) {
        int p = start;
        if (p < pattern.length()) {
            char c = pattern.charAt(p);
            if (c == '-' || c == ']') {
                return -1;
            } else if (c == '\\') {
                p++;
            }
        }
        if (p >= pattern.length()) {
            return -1;
        }
        p += runeLength(pattern, p);
        return p < pattern.length() ? p : -1;
    }

    /** The UTF-8 bytes of a text, each as one char. */
    private static String toBytes(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 0x80) {
                return new String(Text.wellFormed(text).getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
            }
        }
        return text;
    }

    /** The bytes of the character that starts at {@code at}; 1 where none starts, as amid a character. */
    private static int runeLength(String bytes, int at) {
        char first = bytes.charAt(at);
        return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    }

    private static int rune(String bytes, int at) {
        int first = bytes.charAt(at);
        if (first < 0x80) {
            return first;
        } else if (first < 0xC0) {
            return REPLACEMENT;
        }
        int length = runeLength(bytes, at);
        int rune = first & (0x7f >> length);
        for (int i = 1; i < length; i++) {
            rune = (rune << 6) | (bytes.charAt(at + i) & 0x3f);
        }
        return rune;
    }

    /** {@link #pattern()}. */
    @Override
    public String toString() {
        return source;
    }
}
