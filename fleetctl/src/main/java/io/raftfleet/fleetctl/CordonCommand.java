package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.model.Machine;
import java.util.List;

/** {@code cordon}: a machine takes no new units. */
final class CordonCommand extends FleetCommand {
    List<String> machines = List.of();

    CordonCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "cordon",
                "Let machines take no new units",
                "",
                "What runs there stays; global units come there as before, also where a drain has ended them. A drain that is under way stops:"
                        + " what has not left stays. Machines are ids, or what ids begin with. Until: fleetctl uncordon MACHINE");
        syntax.add(Syntax.arguments(given -> machines = given).arity("1..*").paramLabel("MACHINE"));
    }

    @Override
    public Integer call() {
        return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_CORDON, CordonCommand::done);
    }

    private static String done(Machine before) {
        return switch (before.getMark().getKind()) {
            case MACHINE_MARK_KIND_ENDING, MACHINE_MARK_KIND_DRAINED -> "cordoned; its global units start again";
            default -> "cordoned";
        };
    }
}
