package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code journal}, through the agent's session, without SSH. Ours also reads global units, on the machine that {@code --machine} names. */
final class JournalCommand extends FleetCommand implements Paged {
    int lines = 10;

    boolean follow;

    String output = "short";

    @Nullable
    String machine;

    boolean sudo;

    int sshPort = 22;

    @Nullable
    List<String> units;

    JournalCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("journal", "Print the journal of a unit in the cluster to stdout", "", "Ctrl-C ends --follow.");
        syntax.add(Syntax.value(int.class, given -> lines = given, "-n", "--lines")
                .paramLabel("N")
                .description("Number of recent log lines to return. Default: ${DEFAULT-VALUE}")
                .initialValue(lines));
        syntax.add(Syntax.yesOrNo(given -> follow = given, "-f", "--follow")
                .description("Continuously print new entries as they are appended to the journal."));
        // As fleet 1.0 has it.
        syntax.add(Syntax.yesOrNo(given -> follow = given, "--f").hidden(true));
        syntax.add(Syntax.value(String.class, given -> output = given, "--output")
                .paramLabel("MODE")
                .description("Output mode, as journalctl has it. Default: ${DEFAULT-VALUE}")
                .initialValue(output));
        syntax.add(Syntax.value(String.class, given -> machine = given, "--machine")
                .paramLabel("ID")
                .description("For a global unit: the machine, by its id or the start of it."));
        syntax.add(Syntax.yesOrNo(given -> sudo = given, "--sudo").hidden(true));
        syntax.add(Syntax.value(int.class, given -> sshPort = given, "--ssh-port")
                .paramLabel("PORT")
                .hidden(true));
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public boolean ends() {
        return !follow;
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (arguments == null || arguments.size() != 1) {
            throw new CommandException("One unit file must be provided: fleetctl journal UNIT");
        }
        if (lines < 0) {
            throw CommandException.usage("--lines must not be negative, it is " + lines);
        }
        String name = UnitNames.mangle(arguments.getFirst());
        try {
            String machineId = machine == null
                    ? ""
                    : MachineLookup.byPrefix(session, machine).getId();
            check(name, session.client().getUnit(name), machineId);
            read(name, machineId);
            return 0;
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving journal of unit " + name + ": " + e.getMessage(), e);
        }
    }

    private void check(String name, @Nullable GetUnitResponse answer, String machineId) {
        if (answer == null) {
            throw new CommandException(UnitHints.absent(session, name, "Unit " + name + " does not exist"));
        }
        Unit unit = answer.getUnit();
        if (unit.getGlobal()) {
            if (machineId.isEmpty() && answer.getStatesCount() != 1) {
                throw new CommandException("Unable to retrieve journal of global unit " + name + ": it is on "
                        + answer.getStatesCount() + " machines, name one with --machine");
            }
        } else if (Words.current(unit) == TargetState.TARGET_STATE_INACTIVE) {
            throw new CommandException("Unit " + name + " does not appear to be running; see: fleetctl why " + name);
        }
    }

    private void read(String name, String machineId) {
        var request = JournalRequest.newBuilder()
                .setUnit(name)
                .setLines(lines)
                .setFollow(follow)
                .setOutput(output)
                .setMachineId(machineId);
        while (true) {
            try {
                LogPrinter.print(session, session.client().journal(request.build()));
                return;
            } catch (FleetClientException e) {
                if (!follow || !LogPrinter.brokeOff(e)) {
                    throw e;
                }
                session.err("-- " + e.getMessage() + "; following on, some lines may repeat or be missing --");
            }
        }
    }
}
