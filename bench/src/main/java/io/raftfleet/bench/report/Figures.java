package io.raftfleet.bench.report;

import io.raftfleet.bench.result.Row;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Figures as people read them. */
final class Figures {
    /** What {@link #cells} are of. */
    static final List<String> COLUMNS = List.of("what", "figure", "beside", "ratio", "met");

    private Figures() {}

    /** Three digits that mean something, at least. */
    static String of(double value) {
        double size = Math.abs(value);
        var digits =
                size >= 100 || value == Math.rint(value) ? "%.0f" : size >= 10 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f";
        return String.format(Locale.ROOT, digits, value);
    }

    /** A row as text, one cell a column. */
    static List<String> cells(Row row) {
        return List.of(
                row.what(), of(row.figure()) + unit(row.unit()), beside(row), ratio(row.ratio()), met(row.met()));
    }

    private static String unit(String unit) {
        return unit.isEmpty() ? "" : " " + unit;
    }

    private static String beside(Row row) {
        var other = row.other();
        return other == null ? "" : row.against() + " " + of(other) + unit(row.unit());
    }

    private static String ratio(@Nullable Double ratio) {
        return ratio == null ? "" : of(ratio);
    }

    private static String met(@Nullable Boolean met) {
        return met == null ? "" : met ? "yes" : "no";
    }
}
