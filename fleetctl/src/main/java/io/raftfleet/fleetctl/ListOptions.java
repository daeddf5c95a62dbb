package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ReadOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Flags of the commands that print tables. */
final class ListOptions {
    boolean full;

    boolean noLegend;

    @Nullable
    String fields;

    boolean json;

    boolean stale;

    /** How engines are to read for this list. */
    ReadOptions read() {
        return ReadOptions.newBuilder().setStale(stale).build();
    }

    /** @throws CommandException naming the first field that is none of the valid ones */
    List<String> columns(String byDefault, Set<String> valid) {
        String wanted = fields == null ? byDefault : fields;
        if (wanted.isEmpty()) {
            throw new CommandException("--fields names no field. Valid fields are " + all(valid));
        }
        var columns = new ArrayList<String>();
        for (String column : wanted.split(",", -1)) {
            if (!valid.contains(column)) {
                throw new CommandException("Invalid key in output format: \"" + column + "\". Valid fields are "
                        + all(valid) + Suggestions.question(Suggestions.closest(column, valid), ""));
            }
            columns.add(column);
        }
        return columns;
    }

    private static String all(Set<String> valid) {
        return String.join(",", valid.stream().sorted().toList());
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(
                Syntax.yesOrNo(given -> full = given, "-l", "--full").description("Do not ellipsize fields on output"));
        // fleet 1.0 has its short names behind two dashes alone.
        syntax.add(Syntax.yesOrNo(given -> full = given, "--l").hidden(true));
        syntax.add(Syntax.yesOrNo(given -> noLegend = given, "--no-legend")
                .description("Do not print a legend (column headers)"));
        syntax.add(Syntax.value(String.class, given -> fields = given, "--fields")
                .paramLabel("FIELD[,...]")
                .description("Columns to print."));
        syntax.add(
                Syntax.yesOrNo(given -> json = given, "--json").description("Print everything known as a JSON array."));
        syntax.add(Syntax.yesOrNo(given -> stale = given, "--stale")
                .description(
                        "Take what the first engine that answers has, which may be behind. Works without a quorum."));
    }
}
