package io.raftfleet.unit;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Reads options out of a unit file the way {@code Deserialize} of go-systemd (package {@code unit}) does, with all of
 * its particularities: anything before the first {@code [} is skipped; a section's name runs to the next {@code ]},
 * over newlines if need be; comments can be continued; a continued value keeps backslash and newline, and a line with
 * CRLF is never continued.
 *
 * <p>go-systemd refuses a line of 2,048 bytes or more only when that many bytes happen to be in its read buffer as it
 * starts on a token. To refuse exactly the same files, the lexer keeps track of where the window of Go's
 * {@code bufio.Reader} (4,096 bytes) would stand.
 *
 * <p>One instance reads one text, on one thread.
 */
final class UnitLexer {
    /** The longest line that systemd reads, in bytes. */
    static final int LINE_MAX = 2048;

    private static final int WINDOW = 4096;

    private final byte[] data;
    private final Consumer<UnitOption> options;
    /** Next byte to read. */
    private int position;
    /** End of what Go's reader would have buffered. */
    private int buffered;
    /** First line break at or after {@link #position} when last looked at; the end when there is none. */
    private int lineBreak = -1;

    private UnitLexer(String text, Consumer<UnitOption> options) {
        this.data = text.getBytes(StandardCharsets.UTF_8);
        this.options = options;
    }

    /**
     * The options of a file, in the file's order.
     *
     * @param text without lone surrogates
     * @throws InvalidUnitException if go-systemd would refuse the file; the field is the line
     */
    static List<UnitOption> read(String text) throws InvalidUnitException {
        List<UnitOption> options = new ArrayList<>();
        new UnitLexer(text, options::add).run();
        return options;
    }

    /** Like {@link #read}, but stops at what go-systemd would refuse, with the options before it. */
    static List<UnitOption> readUntilFault(String text) {
        List<UnitOption> options = new ArrayList<>();
        try {
            new UnitLexer(text, options::add).run();
            return options;
        } catch (InvalidUnitException fault) {
            return options;
        }
    }

    private void run() throws InvalidUnitException {
        if (!findFirstSection()) {
            return;
        }
        String section = sectionHeader();
        while (true) {
            checkLineLength();
            int c = readRune();
            if (c < 0) {
                return;
            } else if (c == '[') {
                section = sectionHeader();
            } else if (c == '#' || c == ';') {
                skipComment();
            } else if (!Text.isSpace(c)) {
                position -= utf8Length(c);
                option(section);
            }
        }
    }

    /** Reads over the first {@code [}; false when there is none. */
    private boolean findFirstSection() throws InvalidUnitException {
        while (true) {
            checkLineLength();
            int c = readRune();
            if (c < 0) {
                return false;
            } else if (c == '[') {
                return true;
            } else if (c == '#' || c == ';') {
                skipComment();
            }
        }
    }

    /** Reads the rest of a header line, after its {@code [}. */
    private String sectionHeader() throws InvalidUnitException {
        checkLineLength();
        int start = position;
        if (!readThrough(']')) {
            throw fault(start, "the section header that starts here has no \"]\"");
        }
        String section = string(start, position - 1);
        checkLineLength();
        int rest = position;
        readThrough('\n');
        String garbage = Text.trim(string(rest, position));
        if (!garbage.isEmpty()) {
            throw fault(
                    rest,
                    "found " + Text.quote(garbage) + " after section header " + Text.quote("[" + section + "]")
                            + "; put it on a line of its own");
        }
        return section;
    }

    /** Reads a comment, after its first character, with the lines that continue it. */
    private void skipComment() throws InvalidUnitException {
        checkLineLength();
        int start;
        int end;
        do {
            start = position;
            end = lineEnd();
            if (end > start && data[end - 1] == ' ') {
                end--;
            }
        } while (end > start && data[end - 1] == '\\');
    }

    private void option(String section) throws InvalidUnitException {
        checkLineLength();
        int start = position;
        int c = readRune();
        while (c != '=') {
            if (c < 0 || c == '\n' || c == '\r') {
                throw fault(
                        start,
                        "expected Name=Value, found " + Text.quote(Text.trim(string(start, position)))
                                + " without \"=\"");
            }
            c = readRune();
        }
        String name = Text.trim(string(start, position - 1));
        options.accept(new UnitOption(section, name, value()));
    }

    private String value() throws InvalidUnitException {
        int start = position;
        int end = position;
        boolean newlineLast = false;
        while (true) {
            checkLineLength();
            int line = position;
            int lineEnd = lineEnd();
            if (isBlank(line, lineEnd)) {
                break;
            }
            end = lineEnd;
            newlineLast = false;
            if (data[lineEnd - 1] != '\\') {
                break;
            }
            if (position > lineEnd && data[position - 1] == '\n') {
                end = position;
                newlineLast = true;
            }
        }
        String value = Text.trim(string(start, end));
        return newlineLast ? value + "\n" : value;
    }

    /** Reads a line; answers where its contents end: before "\n", or before a "\r" that ends the file. */
    private int lineEnd() {
        int start = position;
        if (readThrough('\n')) {
            return position - 1;
        }
        return position > start && data[position - 1] == '\r' ? position - 1 : position;
    }

    private boolean isBlank(int from, int to) {
        for (int i = from; i < to; i++) {
            if (data[i] < 0) {
                return Text.trim(string(i, to)).isEmpty();
            } else if (!Text.isSpace(data[i])) {
                return false;
            }
        }
        return true;
    }

    /** go-systemd's look at the buffer before each of its steps. */
    private void checkLineLength() throws InvalidUnitException {
        if (buffered - position < LINE_MAX) {
            return;
        }
        if (lineBreak < position) {
            lineBreak = position;
            while (lineBreak < data.length && data[lineBreak] != '\n' && data[lineBreak] != '\r') {
                lineBreak++;
            }
        }
        if (lineBreak >= position + LINE_MAX) {
            throw fault(position, "line longer than " + LINE_MAX + " bytes, the most that systemd reads");
        }
    }

    /** The next code point, or -1 at the end. */
    private int readRune() {
        if (position == data.length) {
            return -1;
        }
        int first = data[position] & 0xff;
        int length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (buffered - position < length) {
            fill();
        }
        int c = length == 1 ? first : first & (0x7f >> length);
        for (int i = 1; i < length; i++) {
            c = (c << 6) | (data[position + i] & 0x3f);
        }
        position += length;
        return c;
    }

    private static int utf8Length(int c) {
        return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }

    /** Reads up to and with the delimiter; to the end, and false, when there is none. */
    private boolean readThrough(char delimiter) {
        int searched = position;
        int windowStart = position;
        while (true) {
            while (searched < buffered) {
                if (data[searched++] == delimiter) {
                    position = searched;
                    return true;
                }
            }
            if (buffered == data.length) {
                position = data.length;
                return false;
            }
            if (buffered - windowStart >= WINDOW) {
                windowStart = buffered;
            }
            position = windowStart;
            fill();
        }
    }

    /** Go's reader moves what is unread to the front of its buffer and reads as much as fits behind it. */
    private void fill() {
        buffered = Math.min(data.length, position + WINDOW);
    }

    private String string(int from, int to) {
        return new String(data, from, to - from, StandardCharsets.UTF_8);
    }

    private InvalidUnitException fault(int at, String reason) {
        int line = 1;
        for (int i = 0; i < at; i++) {
            if (data[i] == '\n') {
                line++;
            }
        }
        return new InvalidUnitException("", "line " + line, reason);
    }
}
