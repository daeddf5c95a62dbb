package io.raftfleet.fleetctl;

import io.raftfleet.unit.SafeText;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Rows of equally many cells, aligned by tabs as Go's {@code text/tabwriter} does it for fleet: a column is as wide as its longest
 * cell and one more, rounded up to a multiple of eight, and the last cell of a row is not padded.
 */
final class Table {
    private static final int TAB = 8;

    private final List<String[]> rows = new ArrayList<>();
    private final Map<Integer, UnaryOperator<String>> colours = new HashMap<>();

    /** Cells are data of others': what a terminal would act on, and what would end the cell, is escaped. */
    void add(String... cells) {
        rows.add(Arrays.stream(cells).map(SafeText::escape).toArray(String[]::new));
    }

    /** How cells of a column are shown; what that adds has no width. */
    void colour(int column, UnaryOperator<String> as) {
        colours.put(column, as);
    }

    void print(PrintStream out) {
        if (rows.isEmpty()) {
            return;
        }
        int[] widths = new int[rows.getFirst().length - 1];
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], width(row[i]) + 1);
            }
        }
        var text = new StringBuilder();
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                text.append(shown(i, row[i]));
                int column = (widths[i] + TAB - 1) / TAB * TAB;
                for (int at = width(row[i]); at < column; at = (at / TAB + 1) * TAB) {
                    text.append('\t');
                }
            }
            text.append(shown(row.length - 1, row[row.length - 1])).append('\n');
        }
        out.append(text);
    }

    private String shown(int column, String cell) {
        UnaryOperator<String> colour = colours.get(column);
        return colour == null ? cell : colour.apply(cell);
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
