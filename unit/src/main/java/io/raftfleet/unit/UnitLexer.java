package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads options out of a unit file the way systemd does ({@code config_parse} in its {@code conf-parser.c}, and {@code
 * systemd.syntax(7)}): a line ends with LF, CR or both; one that begins with {@code #} or {@code ;} is a comment, wherever it stands,
 * and never goes on; a line whose last backslash is not itself escaped goes on in the next that is no comment, and an empty line ends
 * it; white space is space and tab. A byte order mark at the beginning is passed over.
 *
 * <p>What systemd passes over with a warning is refused, as nothing of a file is to vanish without a word: options before the first
 * section, and lines without {@code =} or without a name.
 *
 * <p>An option's value is kept as it was written, with its line breaks and the comments between its lines; {@link #unfold} makes of it
 * what systemd reads. One instance reads one text, on one thread.
 */
final class UnitLexer {
    /** The longest line that systemd reads, in bytes; here in characters, of which a line has no more. */
    static final int LINE_MAX = 1 << 20;

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private final String text;
    private final Consumer<UnitOption> options;
    private int position;
    private int line;

    /** A line: where its contents are, line break excluded, and its number from 1. */
    private record Line(int from, int to, int number) {}

    private UnitLexer(String text, Consumer<UnitOption> options) {
        this.text = text;
        this.options = options;
    }

    /**
     * The options of a file, in the file's order.
     *
     * @throws InvalidUnitException if systemd would refuse the file, or pass over a part of it; the field is the line
     */
    static List<UnitOption> read(String text) throws InvalidUnitException {
        List<UnitOption> options = new ArrayList<>();
        new UnitLexer(text, options::add).run();
        return options;
    }

    /** Like {@link #read}, but stops at what is refused, with the options before it. */
    static List<UnitOption> readUntilFault(String text) {
        List<UnitOption> options = new ArrayList<>();
        try {
            new UnitLexer(text, options::add).run();
            return options;
        } catch (InvalidUnitException fault) {
            return options;
        }
    }

    /** A value as systemd reads it: continued lines put together, with a space for each backslash, and without comments. */
    static String unfold(String value) {
        if (value.indexOf('\n') < 0) {
            return trim(value);
        }
        StringBuilder unfolded = new StringBuilder(value.length());
        int from = 0;
        for (boolean first = true; from <= value.length(); first = false) {
            int end = value.indexOf('\n', from);
            int to = end < 0 ? value.length() : end;
            if (first || !isComment(value, from, to)) {
                boolean continued = isContinued(value, from, to);
                unfolded.append(value, from, continued ? to - 1 : to);
                if (continued) {
                    unfolded.append(' ');
                }
            }
            from = to + 1;
        }
        return trim(unfolded.toString());
    }

    /** Whether a line of these contents goes on in the next: its last backslash is not itself escaped. */
    static boolean isContinued(String line) {
        return isContinued(line, 0, line.length());
    }

    /** Without the white space around it, of which systemd knows four characters. */
    static String trim(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && isSpace(text.charAt(from))) {
            from++;
        }
        while (from < to && isSpace(text.charAt(to - 1))) {
            to--;
        }
        return text.substring(from, to);
    }

    private void run() throws InvalidUnitException {
        @Nullable String section = null;
        if (!text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK) {
            position = 1;
        }
        List<Line> lines = new ArrayList<>();
        while (position < text.length()) {
            Line next = nextLine();
            if (isComment(text, next.from, next.to)) {
                continue;
            }
            if (next.from < next.to && text.charAt(next.from) == BYTE_ORDER_MARK) {
                throw misplacedMark(next);
            }
            boolean blank = isBlank(next);
            if (!blank) {
                lines.add(next);
            } else if (lines.isEmpty()) {
                continue;
            }
            if (!blank && isContinued(text, next.from, next.to) && position < text.length()) {
                continue;
            }
            section = take(section, lines);
            lines.clear();
        }
        if (!lines.isEmpty()) { // what went on was comments alone
            take(section, lines);
        }
    }

    private InvalidUnitException misplacedMark(Line at) {
        return fault(at, "a byte order mark can stand at the beginning of a file alone; take it out");
    }

    /** The next line. Two line breaks of different kinds are one. */
    private Line nextLine() throws InvalidUnitException {
        int from = position;
        int to = from;
        while (to < text.length() && text.charAt(to) != '\n' && text.charAt(to) != '\r') {
            to++;
        }
        position = to;
        if (position < text.length()) {
            char end = text.charAt(position++);
            if (position < text.length() && text.charAt(position) == (end == '\n' ? '\r' : '\n')) {
                position++;
            }
        }
        Line found = new Line(from, to, ++line);
        if (to - from > LINE_MAX) {
            throw fault(found, "line longer than " + LINE_MAX + " bytes, the most that systemd reads");
        }
        return found;
    }

    /** Takes a section header, or an option, and the lines that it goes on in; returns the section that holds from here. */
    private String take(@Nullable String section, List<Line> lines) throws InvalidUnitException {
        Line first = lines.getFirst();
        String begin = trim(text.substring(first.from, first.to));
        if (begin.startsWith("[")) {
            return sectionHeader(begin, lines);
        }
        StringBuilder name = new StringBuilder();
        for (Line at : lines) {
            int equals = text.indexOf('=', at.from, at.to);
            if (equals < 0) {
                boolean continued = isContinued(text, at.from, at.to);
                name.append(text, at.from, continued ? at.to - 1 : at.to).append(' ');
                continue;
            }
            String key = trim(name.append(text, at.from, equals).toString());
            if (key.isEmpty()) {
                throw fault(first, "there is no name before \"=\"");
            }
            if (key.charAt(0) == BYTE_ORDER_MARK) {
                throw misplacedMark(first);
            }
            if ("[#;".indexOf(key.charAt(0)) >= 0) {
                throw fault(
                        first, "name " + Text.quote(key) + " begins with " + key.charAt(0) + ", as no option's does");
            }
            if (section == null) {
                throw fault(
                        first,
                        "option " + Text.quote(key)
                                + " stands before the first section, where systemd passes it over; put it into one");
            }
            options.accept(new UnitOption(section, key, value(equals + 1, lines.getLast())));
            return section;
        }
        if (section == null) {
            throw fault(first, "expected a section such as [Unit], found " + Text.quote(begin));
        }
        throw fault(first, "expected Name=Value, found " + Text.quote(begin) + " without \"=\"");
    }

    private String sectionHeader(String header, List<Line> lines) throws InvalidUnitException {
        int end = header.indexOf(']');
        if (end < 0) {
            throw fault(lines.getFirst(), "the section header that starts here has no \"]\"");
        }
        String garbage = trim(header.substring(end + 1));
        if (!garbage.isEmpty() || lines.size() > 1) {
            throw fault(
                    lines.getFirst(),
                    "found " + Text.quote(garbage) + " after section header " + Text.quote(header.substring(0, end + 1))
                            + "; put it on a line of its own");
        }
        return header.substring(1, end);
    }

    /** As it was written, from {@code from} to the end of its last line; if that would go on, with the line break that ends it. */
    private String value(int from, Line last) {
        boolean open = isContinued(text, Math.max(from, last.from), last.to);
        String written = last.to < from ? "" : text.substring(from, last.to);
        String value = trim(written.indexOf('\r') < 0 ? written : lineFeeds(written));
        if (open) {
            return value + "\n";
        }
        // White space behind its last backslash is what keeps it from going on.
        return isContinued(value) ? value + " " : value;
    }

    private static String lineFeeds(String written) {
        return written.replace("\r\n", "\n").replace("\n\r", "\n").replace('\r', '\n');
    }

    private boolean isBlank(Line at) {
        for (int i = at.from; i < at.to; i++) {
            if (!isSpace(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
    }

    private static boolean isComment(String text, int from, int to) {
        int at = from;
        while (at < to && isSpace(text.charAt(at))) {
            at++;
        }
        return at < to && (text.charAt(at) == '#' || text.charAt(at) == ';');
    }

    private static boolean isContinued(String text, int from, int to) {
        int backslashes = 0;
        while (to - backslashes > from && text.charAt(to - backslashes - 1) == '\\') {
            backslashes++;
        }
        return backslashes % 2 == 1;
    }

    private static InvalidUnitException fault(Line at, String reason) {
        return new InvalidUnitException("", "line " + at.number, reason);
    }
}
