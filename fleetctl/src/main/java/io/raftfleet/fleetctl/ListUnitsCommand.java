package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Listing;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@code list-units}. Ours also says, on standard error, which units wait for a machine and why, which orders machines could not
 * carry out, and what is wrong with units of before.
 */
final class ListUnitsCommand extends FleetCommand implements Paged {
    private static final Set<String> FIELDS = Set.of("unit", "machine", "load", "active", "sub", "hash", "restarts");

    ListOptions options = new ListOptions();

    UnitPatterns units = new UnitPatterns();

    ListUnitsCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "list-units",
                "List the current state of units in the cluster",
                "",
                "Lists the state of all units in the cluster loaded onto a machine. Fields: unit, machine, load, active, sub, hash, restarts. Units"
                        + " that wait for a machine are told of on standard error; with --json they are in the array, with their vetoes.");
        options.describe(syntax);
        units.describe(syntax);
    }

    @Override
    public Integer call() {
        List<String> columns = options.columns("unit,machine,active,sub", FIELDS);
        List<UnitState> states;
        List<Unit> unplaced;
        List<Unit> warned;
        try {
            FleetClient client = session.client();
            List<String> names = units.filter();
            // All at once: what a person waits for is one round trip.
            var stateList = client.listUnitStatesAsync(ListUnitStatesRequest.newBuilder()
                    .setRead(options.read())
                    .addAllNames(names)
                    .build());
            var unplacedList = client.listUnitsAsync(ListUnitsRequest.newBuilder()
                    .setRead(options.read())
                    .addAllNames(names)
                    .setUnplacedOnly(true)
                    .setWithVetoes(true)
                    .build());
            var warnedList = client.listUnitsAsync(ListUnitsRequest.newBuilder()
                    .setRead(options.read())
                    .addAllNames(names)
                    .setWarnedOnly(true)
                    .build());
            CompletableFuture<@Nullable Listing<Machine>> machines = options.json || columns.contains("machine")
                    ? machines(client)
                    : CompletableFuture.completedFuture(null);
            states = FleetClient.join(stateList).rows();
            unplaced = FleetClient.join(unplacedList).rows().stream()
                    .filter(VetoNotes::isUnplaced)
                    .toList();
            warned = FleetClient.join(warnedList).rows().stream()
                    .filter(unit -> unit.getWarningsCount() > 0)
                    .toList();
            Listing<Machine> known = FleetClient.join(machines);
            if (known != null) {
                session.machinesAre(known.rows());
            }
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving list of units from repository: " + e.getMessage(), e);
        }
        if (options.json) {
            JsonOutput.print(session.terminal().out(), json(states, unplaced, warned));
            return 0;
        }
        print(columns, states);
        tell(states, unplaced, warned);
        return 0;
    }

    private CompletableFuture<@Nullable Listing<Machine>> machines(FleetClient client) {
        return client.listMachinesAsync(
                        ListMachinesRequest.newBuilder().setRead(options.read()).build())
                .thenApply(list -> list);
    }

    private void print(List<String> columns, List<UnitState> states) {
        var table = new Table();
        table.colour(columns.indexOf("active"), session.colours()::active);
        if (!options.noLegend) {
            table.add(columns.stream().map(ListUnitFilesCommand::upper).toArray(String[]::new));
        }
        for (UnitState state : states) {
            String[] cells = new String[columns.size()];
            for (int i = 0; i < cells.length; i++) {
                cells[i] = cell(columns.get(i), state);
            }
            table.add(cells);
        }
        table.print(session.terminal().out());
    }

    private String cell(String column, UnitState state) {
        return switch (column) {
            case "unit" -> state.getName();
            case "load" -> state.getLoadState();
            case "active" -> state.getActiveState();
            case "sub" -> state.getSubState();
            case "hash" -> state.getHash().isEmpty() ? "-" : Words.hash(state.getHash(), options.full);
            case "restarts" -> Integer.toUnsignedString(state.getRestarts());
            default ->
                state.getMachineId().isEmpty()
                        ? "-"
                        : Words.machine(state.getMachineId(), session.machine(state.getMachineId()), options.full);
        };
    }

    private void tell(List<UnitState> states, List<Unit> unplaced, List<Unit> warned) {
        var lines = new ArrayList<String>();
        warned.forEach(unit -> lines.addAll(Words.warnings(unit)));
        for (Unit unit : unplaced) {
            lines.add("Unit " + unit.getName() + " waits for a machine: " + Words.vetoes(unit));
        }
        for (UnitState state : states) {
            if (!state.getError().isEmpty()) {
                lines.add("Unit " + state.getName() + " on "
                        + Words.machine(state.getMachineId(), session.machine(state.getMachineId()), options.full)
                        + ": "
                        + state.getError());
            }
        }
        session.someErr(lines, options.full);
    }

    private List<Map<String, @Nullable Object>> json(List<UnitState> states, List<Unit> unplaced, List<Unit> warned) {
        var rows = new ArrayList<Map<String, @Nullable Object>>();
        Map<String, List<String>> warnings =
                warned.stream().collect(Collectors.toMap(Unit::getName, unit -> unit.getWarningsList()));
        for (UnitState state : states) {
            var row = new LinkedHashMap<String, @Nullable Object>();
            Machine machine = session.machine(state.getMachineId());
            row.put("unit", state.getName());
            row.put("machine", state.getMachineId());
            row.put("ip", machine == null ? null : machine.getPrimaryIp());
            row.put("load", state.getLoadState());
            row.put("active", state.getActiveState());
            row.put("sub", state.getSubState());
            row.put("hash", Words.hash(state.getHash(), true));
            row.put("launched", state.getLaunched());
            row.put("mainPid", state.getMainPid());
            row.put("restarts", Integer.toUnsignedLong(state.getRestarts()));
            row.put("error", state.getError());
            row.put("warnings", warnings.getOrDefault(state.getName(), List.of()));
            rows.add(row);
        }
        for (Unit unit : unplaced) {
            var row = new LinkedHashMap<String, @Nullable Object>();
            row.put("unit", unit.getName());
            row.put("machine", null);
            row.put("hash", Words.hash(unit.getHash(), true));
            row.put("vetoes", ListUnitFilesCommand.vetoes(unit));
            row.put("warnings", warnings.getOrDefault(unit.getName(), List.of()));
            rows.add(row);
        }
        return rows;
    }
}
