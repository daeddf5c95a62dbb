package io.raftfleet.fleetctl;

import static io.raftfleet.proto.model.TargetState.TARGET_STATE_LAUNCHED;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.PlanRequest;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Unit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code plan}: what a start, a replacement or a drain would do. */
final class PlanCommand extends FleetCommand implements Paged {
    boolean replace;

    @Nullable
    String drain;

    @Nullable
    List<String> units;

    PlanCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "plan",
                "Say what start, start --replace or drain would do, and do nothing",
                "",
                "Which units would be created, replaced or left alone, on which machine each would be or why on none, and which others would"
                        + " move. With --drain instead of units: where those of a machine would go, and which can't. The engine that leads"
                        + " decides it as it would the command itself; it comes out so if nothing else happens in between. Ends with 1 if"
                        + " something is refused or could not be placed.");
        syntax.add(Syntax.yesOrNo(given -> replace = given, "--replace")
                .description("As with start: units in the cluster whose local file differs are replaced."));
        syntax.add(Syntax.value(String.class, given -> drain = given, "--drain")
                .paramLabel("MACHINE")
                .description("Instead of units: plan the drain of this machine, by its id or the start of it."));
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units == null ? List.of() : units;
        String machine = drain;
        if (machine != null) {
            if (!arguments.isEmpty() || replace) {
                throw CommandException.usage(
                        "--drain is planned by itself: give it without units and without --replace");
            }
            return drain(machine);
        }
        return nothingGiven(arguments) ? 0 : start(arguments);
    }

    private int start(List<String> arguments) {
        try {
            var plan = new UnitPlanner(session, TARGET_STATE_LAUNCHED, replace).plan(arguments);
            var create = CreateUnitsRequest.newBuilder().setReplace(replace);
            plan.create()
                    .values()
                    .forEach(unit -> create.addUnits(unit.unit().toBuilder().setTargetState(TARGET_STATE_LAUNCHED)));
            plan.refiled().values().forEach(create::addUnits);
            var targets = SetTargetStatesRequest.newBuilder();
            var down = down(plan.present().values());
            plan.present().values().stream()
                    .filter(unit -> !plan.refiled().containsKey(unit.getName())
                            || Words.target(unit) != TARGET_STATE_LAUNCHED
                            || down.contains(unit.getName()))
                    .forEach(unit -> targets.addChanges(TargetStateChange.newBuilder()
                            .setName(unit.getName())
                            .setTargetState(TARGET_STATE_LAUNCHED)
                            .setStartAgain(down.contains(unit.getName()))));
            var request = PlanRequest.newBuilder()
                    .setCreate(create)
                    .setTargets(targets)
                    .build();
            return tell(request, null);
        } catch (FleetClientException e) {
            throw failed(e);
        }
    }

    /** Launched units that a start would start again. */
    private List<String> down(Collection<Unit> present) {
        List<Unit> launched = present.stream()
                .filter(unit -> Words.target(unit) == TARGET_STATE_LAUNCHED && !unit.getGlobal())
                .toList();
        var states =
                Selection.states(session, launched.stream().map(Unit::getName).toList());
        var down = new ArrayList<String>();
        for (Unit unit : launched) {
            if (states.getOrDefault(unit.getName(), List.of()).stream()
                    .anyMatch(state -> state.getMachineId().equals(unit.getMachineId()) && UnitCreator.isDown(state))) {
                down.add(unit.getName());
            }
        }
        return down;
    }

    private int drain(String machine) {
        Machine found = MachineLookup.known(session, machine);
        var order =
                MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_DRAIN).setMaxParallel(1);
        var request = PlanRequest.newBuilder()
                .setMachines(PatchMachinesRequest.newBuilder()
                        .addPatches(MachinePatch.newBuilder()
                                .setMachineId(found.getId())
                                .setOrder(order)))
                .build();
        try {
            return tell(request, found.getId());
        } catch (FleetClientException e) {
            throw failed(e);
        }
    }

    private static CommandException failed(FleetClientException e) {
        return new CommandException("Error planning: " + e.getMessage() + "; nothing was done", e);
    }

    private int tell(PlanRequest request, @Nullable String drained) {
        PlanResponse plan = session.client().plan(request);
        session.machinesAre(session.client()
                .listMachines(
                        ListMachinesRequest.newBuilder().setIncludeLost(true).build())
                .rows());
        return new PlanText(session, request, plan, drained).tell();
    }
}
