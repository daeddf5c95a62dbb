package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ReadOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Flags of the commands that print tables. */
final class ListOptions {
    @Option(
            names = {"-l", "--full"},
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not ellipsize fields on output")
    boolean full;

    /** fleet 1.0 has its short names behind two dashes alone. */
    @Option(names = "--l", arity = "0..1", fallbackValue = "true", hidden = true)
    void l(@Nullable Boolean value) {
        full = value == null ? full : value;
    }

    @Option(
            names = "--no-legend",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not print a legend (column headers)")
    boolean noLegend;

    @Option(names = "--fields", paramLabel = "FIELD[,...]", description = "Columns to print.")
    @Nullable
    String fields;

    @Option(
            names = "--json",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Print everything known as a JSON array.")
    boolean json;

    @Option(
            names = "--stale",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Take what the first engine that answers has, which may be behind. Works without a quorum.")
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
}
