package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import java.util.List;

/** {@code uncordon}, and {@code undrain}: a machine takes units again. */
final class UncordonCommand extends FleetCommand {
    List<String> machines = List.of();

    UncordonCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "uncordon",
                "Let machines take units again",
                "",
                "Ends a cordon and a drain, also one that is under way: what has not left stays, what has left does not come back by itself. uncordon"
                        + " and undrain are the same.");
        syntax.add(Syntax.arguments(given -> machines = given).arity("1..*").paramLabel("MACHINE"));
    }

    @Override
    public Integer call() {
        return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_UNCORDON, before -> "uncordoned");
    }
}
