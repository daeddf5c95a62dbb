package io.raftfleet.unit;

/** Text of strangers: cut to a size, and made harmless for logs and terminals. */
public final class SafeText {
    private SafeText() {}

    /**
     * The text if it has at most so many bytes of UTF-8; else as much of it as fits together with a mark that says that it was
     * cut and how long it was. Never cuts a character in two.
     *
     * @param maxBytes at least 64
     */
    public static String cut(String text, int maxBytes) {
        // No character takes more than three bytes a Java char.
        if (text.length() <= maxBytes / 3) {
            return text;
        }
        long bytes = bytes(text);
        if (bytes <= maxBytes) {
            return text;
        }
        String mark = "… (cut, " + bytes + " bytes)";
        long room = maxBytes - bytes(mark);
        int end = 0;
        while (end < text.length()) {
            int character = text.codePointAt(end);
            room -= bytes(character);
            if (room < 0) {
                break;
            }
            end += Character.charCount(character);
        }
        return text.substring(0, end) + mark;
    }

    /** Length in UTF-8. A lone surrogate counts as the three bytes of what replaces it. */
    public static long bytes(String text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); ) {
            int character = text.codePointAt(i);
            bytes += bytes(character);
            i += Character.charCount(character);
        }
        return bytes;
    }

    private static int bytes(int character) {
        return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    }

    /**
     * The text with every character that does something instead of showing something replaced by its number: control
     * characters, line ends among them, and those that turn the direction of writing.
     */
    public static String escape(String text) {
        return escape(text, false);
    }

    /** The same, but line ends and tabs stay. */
    public static String escapeLines(String text) {
        return escape(text, true);
    }

    private static String escape(String text, boolean lines) {
        int i = 0;
        while (i < text.length() && !acts(text.charAt(i), lines)) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        StringBuilder escaped = new StringBuilder(text.length() + 16).append(text, 0, i);
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!acts(c, lines)) {
                escaped.append(c);
            } else if (c == '\n') {
                escaped.append("\\n");
            } else if (c == '\t') {
                escaped.append("\\t");
            } else if (c == '\r') {
                escaped.append("\\r");
            } else if (c < 0x100) {
                escaped.append("\\x").append(hex(c, 2));
            } else {
                escaped.append("\\u").append(hex(c, 4));
            }
        }
        return escaped.toString();
    }

    private static String hex(char c, int digits) {
        String hex = Integer.toHexString(c);
        return "0".repeat(digits - hex.length()) + hex;
    }

    /** Whether a text has nothing that {@link #escape} would replace. */
    public static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (acts(text.charAt(i), false)) {
                return false;
            }
        }
        return true;
    }

    private static boolean acts(char c, boolean lines) {
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            return !(lines && (c == '\n' || c == '\t'));
        }
        return c >= 0x200e
                && (c <= 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff);
    }
}
