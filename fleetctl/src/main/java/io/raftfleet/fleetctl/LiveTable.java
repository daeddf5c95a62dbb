package io.raftfleet.fleetctl;

import io.raftfleet.unit.SafeText;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A screen of rows: those that changed a moment ago are marked, and come first when not all find room. Lines are cut to the terminal's
 * width. To be used by one thread.
 */
final class LiveTable {
    /** For so long a change is marked, in milliseconds. */
    static final long MARKED_MS = 10_000;

    private static final String BOLD = "\u001b[1m";
    private static final String PLAIN = "\u001b[0m";
    private static final String GAP = "  ";
    /** Above and below the rows. */
    private static final int FRAME = 3;

    private final List<String> columns;
    private final Map<String, Long> changedAt = new HashMap<>();

    LiveTable(List<String> columns) {
        this.columns = columns;
    }

    /** A row is new or changed. */
    void changed(WatchedRow row, long nowMs) {
        changedAt.put(key(row), nowMs);
    }

    private static String key(WatchedRow row) {
        return row.subject() + "\0" + row.machineId();
    }

    /**
     * The lines of the screen, as many as there is room for.
     *
     * @param rows in their order
     * @param title of the first line
     * @param empty what is said when there are none
     */
    List<String> lines(List<WatchedRow> rows, String title, String empty, ScreenSize size, long nowMs) {
        changedAt.values().removeIf(at -> nowMs - at >= MARKED_MS);
        int room = Math.max(1, size.lines() - FRAME);
        List<WatchedRow> shown = rows;
        if (rows.size() > room) {
            // Sorting is stable: those that did not change stay in their order.
            shown = rows.stream()
                    .sorted(Comparator.comparing((WatchedRow row) -> changedAt.getOrDefault(key(row), 0L))
                            .reversed())
                    .limit(room)
                    .toList();
        }
        int[] widths = new int[columns.size()];
        for (int i = 0; i < widths.length; i++) {
            String column = columns.get(i);
            widths[i] = column.length();
            for (WatchedRow row : shown) {
                widths[i] = Math.max(widths[i], width(cell(row, column)));
            }
        }
        var lines = new ArrayList<String>();
        lines.add(cut(title, size.columns()));
        lines.add(cut(
                "  "
                        + line(
                                columns.stream()
                                        .map(column -> column.toUpperCase(Locale.ROOT))
                                        .toList(),
                                widths),
                size.columns()));
        for (WatchedRow row : shown) {
            boolean marked = changedAt.containsKey(key(row));
            String text = cut(
                    (marked ? "* " : "  ")
                            + line(
                                    columns.stream()
                                            .map(column -> cell(row, column))
                                            .toList(),
                                    widths),
                    size.columns());
            lines.add(marked ? BOLD + text + PLAIN : text);
        }
        if (rows.isEmpty()) {
            lines.add(cut("  " + empty, size.columns()));
        } else if (shown.size() < rows.size()) {
            lines.add(cut(
                    "  " + (rows.size() - shown.size()) + " more; fewer by a name, --machine or --state",
                    size.columns()));
        }
        return lines;
    }

    private static String cell(WatchedRow row, String column) {
        return SafeText.escape(row.cells().getOrDefault(column, ""));
    }

    private static String line(List<String> cells, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String cell = cells.get(i);
            line.append(cell);
            if (i < widths.length - 1) {
                line.append(" ".repeat(widths[i] - width(cell))).append(GAP);
            }
        }
        return line.toString().stripTrailing();
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    /** At most so many characters; what is cut ends in an ellipsis. */
    static String cut(String text, int columns) {
        if (width(text) <= columns) {
            return text;
        }
        return text.substring(0, text.offsetByCodePoints(0, Math.max(0, columns - 1))) + "…";
    }
}
