package io.raftfleet.fleetctl;

import io.grpc.Status;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.InvalidPatternException;
import java.util.LinkedHashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code status}: what {@code systemctl status} says where the unit runs, and its exit code: 0, 3 for an inactive or failed unit, 4 for
 * one that systemd does not have. Ours shows a global unit on each of its machines.
 */
final class StatusCommand extends FleetCommand implements Paged {
    private static final int NOT_RUNNING = 3;
    private static final int UNKNOWN = 4;

    int sshPort = 22;

    @Nullable
    List<String> units;

    StatusCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "status",
                "Output the status of one or more units in the cluster",
                "",
                "Units are names or patterns of submitted units. The exit code is that of systemctl status. For operators and admins, as it"
                        + " has lines of the units' journals; viewers have list-units and why.");
        syntax.add(Syntax.value(int.class, given -> sshPort = given, "--ssh-port")
                .paramLabel("PORT")
                .hidden(true));
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        var names = new LinkedHashSet<String>();
        for (String argument : units == null ? List.<String>of() : units) {
            names.addAll(namesOf(argument));
        }
        boolean first = true;
        for (String name : names) {
            GetUnitResponse answer = get(name);
            Words.warnings(answer.getUnit()).forEach(session::err);
            for (UnitState state : answer.getStatesList()) {
                if (!first) {
                    session.out("");
                }
                first = false;
                show(name, state.getMachineId());
                if (!answer.getUnit().getChangedBy().isEmpty()) {
                    session.out("Changed last by " + Words.changedBy(answer.getUnit()) + " at "
                            + Words.changedAt(answer.getUnit()));
                }
                Words.restarts(state)
                        .ifPresent(times -> session.out(Character.toUpperCase(times.charAt(0)) + times.substring(1)));
                if (!state.getError().isEmpty()) {
                    session.err("Unit " + name + " on "
                            + Words.machine(state.getMachineId(), session.machine(state.getMachineId()), false) + ": "
                            + state.getError());
                }
                int exit = exitCode(state);
                // Fleet shows nothing more behind a unit that is not well.
                if (exit != 0) {
                    return exit;
                }
            }
        }
        return 0;
    }

    private List<String> namesOf(String argument) {
        if (!UnitNames.isPattern(argument)) {
            return List.of(UnitNames.mangle(argument));
        }
        try {
            List<String> found = Selection.matching(session, argument.substring(argument.lastIndexOf('/') + 1));
            if (found.isEmpty()) {
                throw new CommandException(
                        "No unit in registry matches " + argument + "; see: fleetctl list-unit-files");
            }
            return found;
        } catch (InvalidPatternException | FleetClientException e) {
            throw new CommandException("Error retrieving unit: " + e.getMessage(), e);
        }
    }

    private GetUnitResponse get(String name) {
        GetUnitResponse answer;
        try {
            answer = session.client().getUnit(name);
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving unit: " + e.getMessage(), e);
        }
        if (answer == null) {
            throw new CommandException(UnitHints.absent(session, name, "Unit " + name + " does not exist"));
        }
        boolean nowhere = answer.getStatesCount() == 0
                || (!answer.getUnit().getGlobal()
                        && Words.current(answer.getUnit()) == TargetState.TARGET_STATE_INACTIVE);
        if (nowhere) {
            String waits = VetoNotes.isUnplaced(answer.getUnit()) ? "for a machine" : "to be started";
            String why = answer.getUnit().getVetoesCount() > 0 || VetoNotes.isUnplaced(answer.getUnit())
                    ? ". It waits " + waits + ": " + Words.vetoes(answer.getUnit())
                    : "; see: fleetctl why " + name;
            throw new CommandException("Unit " + name + " does not appear to be loaded" + why);
        }
        return answer;
    }

    private void show(String name, String machineId) {
        try {
            LogPrinter.print(
                    session,
                    session.client()
                            .unitStatus(UnitStatusRequest.newBuilder()
                                    .setUnit(name)
                                    .setMachineId(machineId)
                                    .build()));
        } catch (FleetClientException e) {
            String instead = e.code() == Status.Code.PERMISSION_DENIED
                    ? ". It has lines of the unit's journal; how a unit is, without them, say fleetctl list-units and fleetctl why "
                            + name
                    : "";
            throw new CommandException("Error retrieving status of unit " + name + ": " + e.getMessage() + instead, e);
        }
    }

    private static int exitCode(UnitState state) {
        if (state.getLoadState().equals("not-found")) {
            return UNKNOWN;
        }
        return switch (state.getActiveState()) {
            case "inactive", "failed" -> NOT_RUNNING;
            default -> 0;
        };
    }
}
