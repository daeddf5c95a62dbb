package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** {@code list-machines}. */
final class ListMachinesCommand extends FleetCommand implements Paged {
    private static final Set<String> FIELDS = Set.of("machine", "ip", "metadata", "state", "since");

    ListOptions options = new ListOptions();

    ListMachinesCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "list-machines",
                "Enumerate the current hosts in the cluster",
                "",
                "Lists all active machines within the cluster. Fields: machine, ip, metadata; state: present, lost, cordoned, draining or"
                        + " drained; since: when it was lost, or an operator ordered that. Machines that are lost are listed with the field"
                        + " state, or since. While one is lost, or not simply present, these two stand beside the others unless --fields or"
                        + " --no-legend is given, so that scripts find what they do in fleet.");
        options.describe(syntax);
    }

    @Override
    public Integer call() {
        List<String> asked = options.columns("machine,ip,metadata", FIELDS);
        boolean free = options.fields == null && !options.noLegend;
        boolean lost = free || options.json || asked.contains("state") || asked.contains("since");
        List<Machine> machines;
        try {
            machines = session.client()
                    .listMachines(ListMachinesRequest.newBuilder()
                            .setRead(options.read())
                            .setIncludeLost(lost)
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
        boolean usual =
                machines.stream().allMatch(machine -> Words.placeOf(machine).equals("present"));
        List<String> columns = free && !usual ? options.columns("machine,ip,metadata,state,since", FIELDS) : asked;
        var table = new Table();
        table.colour(columns.indexOf("state"), session.colours()::place);
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
            case "state" -> Words.placeOf(machine);
            case "since" -> Words.time(sinceMs(machine));
            default -> Words.metadata(machine.getMetadataMap());
        };
    }

    private static long sinceMs(Machine machine) {
        return machine.getPresence() == MachinePresence.MACHINE_PRESENCE_LOST
                ? machine.getLostMs()
                : machine.getMark().getSinceMs();
    }

    private static Map<String, Object> json(Machine machine) {
        var row = new LinkedHashMap<String, Object>();
        row.put("machine", machine.getId());
        row.put("ip", machine.getPrimaryIp());
        row.put("metadata", new TreeMap<>(machine.getMetadataMap()));
        row.put("version", machine.getVersion());
        row.put("units", machine.getUnits());
        row.put("state", Words.placeOf(machine));
        row.put("since", sinceMs(machine) == 0 ? null : Words.time(sinceMs(machine)));
        return row;
    }
}
