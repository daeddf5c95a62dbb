package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.Veto;
import io.raftfleet.unit.UnitFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code list-unit-files}. */
final class ListUnitFilesCommand extends FleetCommand implements Paged {
    private static final Set<String> FIELDS =
            Set.of("unit", "hash", "dstate", "state", "target", "tmachine", "global", "desc", "changedby", "changedat");

    ListOptions options = new ListOptions();

    UnitPatterns units = new UnitPatterns();

    ListUnitFilesCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "list-unit-files",
                "List the units that exist in the cluster",
                "",
                "Lists all unit files that exist in the cluster (whether or not they are loaded onto a machine). Fields: unit, hash, dstate,"
                        + " state, target, global, desc, changedby, changedat, tmachine.");
        options.describe(syntax);
        units.describe(syntax);
    }

    @Override
    public Integer call() {
        List<String> columns = options.columns("unit,hash,dstate,state,target", FIELDS);
        if (columns.contains("tmachine")) {
            session.err("WARNING: The \"tmachine\" field is deprecated. Use \"target\" instead");
        }
        boolean described = columns.contains("desc");
        List<Unit> rows;
        try {
            rows = session.client()
                    .listUnits(ListUnitsRequest.newBuilder()
                            .setRead(options.read())
                            .addAllNames(units.filter())
                            .setWithContents(described)
                            .setWithVetoes(options.json)
                            .setWithWarnings(true)
                            .build())
                    .rows();
            if (options.json) {
                JsonOutput.print(
                        session.terminal().out(),
                        rows.stream().map(ListUnitFilesCommand::json).toList());
                return 0;
            }
            print(columns, rows);
            session.someErr(
                    rows.stream().flatMap(unit -> Words.warnings(unit).stream()).toList(), options.full);
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving list of units from repository: " + e.getMessage(), e);
        }
        return 0;
    }

    private void print(List<String> columns, List<Unit> units) {
        var table = new Table();
        if (!options.noLegend) {
            table.add(columns.stream().map(ListUnitFilesCommand::upper).toArray(String[]::new));
        }
        for (Unit unit : units) {
            table.add(columns.stream().map(column -> cell(column, unit)).toArray(String[]::new));
        }
        table.print(session.terminal().out());
    }

    static String upper(String column) {
        return column.toUpperCase(Locale.ROOT);
    }

    private String cell(String column, Unit unit) {
        return switch (column) {
            case "unit" -> unit.getName();
            case "global" -> Boolean.toString(unit.getGlobal());
            case "dstate" -> orDash(Words.state(unit.getTargetState()));
            case "state" -> unit.getGlobal() ? "-" : orDash(Words.state(unit.getCurrentState()));
            case "hash" -> Words.hash(unit.getHash(), options.full);
            case "changedby" -> Words.changedBy(unit);
            case "changedat" -> Words.changedAt(unit);
            case "desc" -> orDash(description(unit));
            default -> target(unit);
        };
    }

    private String target(Unit unit) {
        if (unit.getGlobal()) {
            return "global";
        }
        String id = unit.getMachineId();
        return id.isEmpty() ? "-" : Words.machine(id, session.machine(id), options.full);
    }

    private static String description(Unit unit) {
        List<String> values = UnitFile.stored(unit.getContents().getText()).values("Unit", "Description");
        return values.isEmpty() ? "" : values.getFirst();
    }

    private static String orDash(String text) {
        return text.isEmpty() ? "-" : text;
    }

    /** The reasons in words. */
    static List<String> vetoes(Unit unit) {
        return unit.getVetoesList().stream().map(Veto::getMessage).toList();
    }

    private static Map<String, @Nullable Object> json(Unit unit) {
        var row = new LinkedHashMap<String, @Nullable Object>();
        row.put("unit", unit.getName());
        row.put("hash", Words.hash(unit.getHash(), true));
        row.put("desiredState", Words.state(unit.getTargetState()));
        row.put("currentState", Words.state(unit.getCurrentState()));
        row.put("machine", unit.getMachineId().isEmpty() ? null : unit.getMachineId());
        row.put("global", unit.getGlobal());
        row.put("changedBy", unit.getChangedBy().isEmpty() ? null : unit.getChangedBy());
        row.put("changedAt", unit.getChangedAtMs() == 0 ? null : Words.changedAt(unit));
        row.put("vetoes", vetoes(unit));
        row.put("warnings", unit.getWarningsList());
        return row;
    }
}
