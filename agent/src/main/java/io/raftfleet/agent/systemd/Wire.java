package io.raftfleet.agent.systemd;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads single values of D-Bus' wire format and passes over others without making objects of them. Alignment counts from
 * the buffer's start, which is the start of a message's body; byte order is the buffer's.
 *
 * <p>All methods throw {@link IllegalArgumentException} or {@link java.nio.BufferUnderflowException} when what they read is
 * malformed.
 */
final class Wire {
    private static final int MAX_DEPTH = 64;

    private Wire() {}

    static void align(ByteBuffer body, int boundary) {
        advance(body, -body.position() & (boundary - 1));
    }

    static long uint32(ByteBuffer body) {
        align(body, 4);
        return Integer.toUnsignedLong(body.getInt());
    }

    static int int32(ByteBuffer body) {
        align(body, 4);
        return body.getInt();
    }

    /** A string or object path. */
    static String string(ByteBuffer body) {
        align(body, 4);
        return text(body, body.getInt());
    }

    static void skipString(ByteBuffer body) {
        align(body, 4);
        advance(body, body.getInt());
        advance(body, 1);
    }

    static String signature(ByteBuffer body) {
        return text(body, Byte.toUnsignedInt(body.get()));
    }

    /** Goes to the first element of an array; returns where the array ends. */
    static int array(ByteBuffer body, int elementAlignment) {
        align(body, 4);
        int length = body.getInt();
        align(body, elementAlignment);
        if (length < 0 || length > body.remaining()) {
            throw new IllegalArgumentException("an array of " + length + " bytes goes over the end of the message");
        }
        return body.position() + length;
    }

    /** Passes over a value whose signature is a single complete type. */
    static void skip(ByteBuffer body, String signature) {
        skip(body, signature, 0, 0);
    }

    /** Passes over the type at {@code at}; returns where in the signature the next one begins. */
    private static int skip(ByteBuffer body, String signature, int at, int depth) {
        if (depth > MAX_DEPTH || at >= signature.length()) {
            throw new IllegalArgumentException("a bad signature: " + signature);
        }
        char type = signature.charAt(at);
        switch (type) {
            case 'y' -> advance(body, 1);
            case 'n', 'q' -> skipFixed(body, 2);
            case 'b', 'i', 'u', 'h' -> skipFixed(body, 4);
            case 'x', 't', 'd' -> skipFixed(body, 8);
            case 's', 'o' -> skipString(body);
            case 'g' -> {
                advance(body, Byte.toUnsignedInt(body.get()));
                advance(body, 1);
            }
            case 'v' -> skip(body, signature(body), 0, depth + 1);
            case 'a' -> {
                int next = endOfType(signature, at + 1);
                body.position(array(body, alignment(signature.charAt(at + 1))));
                return next;
            }
            case '(', '{' -> {
                align(body, 8);
                int end = endOfType(signature, at) - 1;
                int next = at + 1;
                while (next < end) {
                    next = skip(body, signature, next, depth + 1);
                }
                return end + 1;
            }
            default -> throw new IllegalArgumentException("no D-Bus type: " + type);
        }
        return at + 1;
    }

    private static String text(ByteBuffer body, int length) {
        int start = body.position();
        if (length < 0 || length >= body.remaining()) {
            throw new IllegalArgumentException("a string of " + length + " bytes goes over the end of the message");
        }
        body.position(start + length + 1);
        return new String(body.array(), body.arrayOffset() + start, length, StandardCharsets.UTF_8);
    }

    private static void skipFixed(ByteBuffer body, int size) {
        align(body, size);
        advance(body, size);
    }

    private static void advance(ByteBuffer body, int bytes) {
        if (bytes < 0 || bytes > body.remaining()) {
            throw new IllegalArgumentException("a value goes over the end of the message");
        }
        body.position(body.position() + bytes);
    }

    private static int alignment(char type) {
        return switch (type) {
            case 'y', 'g', 'v' -> 1;
            case 'n', 'q' -> 2;
            case 'x', 't', 'd', '(', '{' -> 8;
            default -> 4;
        };
    }

    /** Where the complete type that begins at {@code at} ends. */
    private static int endOfType(String signature, int at) {
        int open = 0;
        for (int next = at; next < signature.length(); next++) {
            char type = signature.charAt(next);
            if (type == '(' || type == '{') {
                open++;
            } else if (type == ')' || type == '}') {
                open--;
            }
            if (open == 0 && type != 'a') {
                return next + 1;
            }
        }
        throw new IllegalArgumentException("a bad signature: " + signature);
    }
}
