package io.raftfleet.fleetctl;

import io.raftfleet.fleetctl.client.FleetClientException;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code list-machines}. */
@Command(
        name = "list-machines",
        abbreviateSynopsis = true,
        description = {
            "Enumerate the current hosts in the cluster",
            "",
            "Lists all active machines within the cluster. Previously active machines will not appear in this list. Fields: machine,"
                    + " ip, metadata."
        })
final class ListMachinesCommand extends FleetCommand {
    private static final Set<String> FIELDS = Set.of("machine", "ip", "metadata");

    @Mixin
    ListOptions options = new ListOptions();

    ListMachinesCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        List<String> columns = options.columns("machine,ip,metadata", FIELDS);
        List<Machine> machines;
        try {
            machines = session.client()
                    .listMachines(ListMachinesRequest.newBuilder()
                            .setRead(options.read())
                            .build())
                    .rows();
        } catch (FleetClientException e) {
            throw new CommandException(
                    "Error retrieving list of active machines from fleet API (" + e.getMessage() + ")", e);
        }
        if (options.json) {
            JsonOutput.print(
                    session.terminal().out(),
                    machines.stream().map(ListMachinesCommand::json).toList());
            return 0;
        }
        var table = new Table();
        if (!options.noLegend) {
            table.add(columns.stream().map(ListUnitFilesCommand::upper).toArray(String[]::new));
        }
        for (Machine machine : machines) {
            table.add(columns.stream().map(column -> cell(column, machine)).toArray(String[]::new));
        }
        table.print(session.terminal().out());
        return 0;
    }

    private String cell(String column, Machine machine) {
        return switch (column) {
            case "machine" -> Words.machineId(machine.getId(), options.full);
            case "ip" -> machine.getPrimaryIp().isEmpty() ? "-" : machine.getPrimaryIp();
            default -> Words.metadata(machine.getMetadataMap());
        };
    }

    private static Map<String, Object> json(Machine machine) {
        var row = new LinkedHashMap<String, Object>();
        row.put("machine", machine.getId());
        row.put("ip", machine.getPrimaryIp());
        row.put("metadata", new TreeMap<>(machine.getMetadataMap()));
        row.put("version", machine.getVersion());
        row.put("units", machine.getUnits());
        return row;
    }
}
