package io.raftfleet.fleetctl;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A line of what {@code watch} shows: a unit on a machine, or a machine.
 *
 * @param subject name of the unit, or id of the machine
 * @param machineId where the unit is; empty for nowhere, and for a machine
 * @param cells what is shown, by column, in the order of columns
 */
record WatchedRow(String subject, String machineId, Map<String, String> cells) {
    WatchedRow {
        cells = Collections.unmodifiableMap(new LinkedHashMap<>(cells));
    }

    /** One of them is new, or gone, or says something else. */
    record Change(@Nullable WatchedRow before, @Nullable WatchedRow after) {
        WatchedRow either() {
            return Objects.requireNonNull(after != null ? after : before);
        }

        /** What changed, for people: {@code active activating -> active, sub start -> running}. */
        String text() {
            if (after == null) {
                return "gone";
            }
            if (before == null) {
                return "new: " + said(after);
            }
            return after.cells().entrySet().stream()
                    .filter(cell -> !cell.getValue().equals(before.cells().get(cell.getKey())))
                    .map(cell -> cell.getKey() + " " + word(before.cells().get(cell.getKey())) + " -> "
                            + word(cell.getValue()))
                    .collect(Collectors.joining(", "));
        }

        private static String said(WatchedRow row) {
            return row.cells().entrySet().stream()
                    .filter(cell ->
                            !cell.getValue().isEmpty() && !cell.getValue().equals("-"))
                    .filter(cell ->
                            !cell.getKey().equals("unit") && !cell.getKey().equals("machine"))
                    .map(cell -> cell.getKey() + " " + cell.getValue())
                    .collect(Collectors.joining(", "));
        }

        private static String word(@Nullable String cell) {
            return cell == null || cell.isEmpty() ? "-" : cell;
        }
    }

    /**
     * What became of the rows of one subject. Where there was one and is one, it is the same that has moved; otherwise rows go by their
     * machines.
     */
    static List<Change> changes(List<WatchedRow> before, List<WatchedRow> after) {
        var changes = new ArrayList<Change>();
        if (before.size() == 1 && after.size() == 1) {
            if (!before.equals(after)) {
                changes.add(new Change(before.getFirst(), after.getFirst()));
            }
            return changes;
        }
        Map<String, WatchedRow> was = byMachine(before);
        Map<String, WatchedRow> is = byMachine(after);
        Set<String> machines = new TreeSet<>(was.keySet());
        machines.addAll(is.keySet());
        for (String machine : machines) {
            WatchedRow old = was.get(machine);
            WatchedRow now = is.get(machine);
            if (!Objects.equals(old, now)) {
                changes.add(new Change(old, now));
            }
        }
        return changes;
    }

    private static Map<String, WatchedRow> byMachine(List<WatchedRow> rows) {
        return rows.stream().collect(Collectors.toMap(WatchedRow::machineId, row -> row));
    }
}
