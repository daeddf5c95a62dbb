package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code cordon}: a machine takes no new units. */
@Command(
        name = "cordon",
        abbreviateSynopsis = true,
        description = {
            "Let machines take no new units",
            "",
            "What runs there stays; global units come there as before. A drain that is under way stops: what has not left stays. Machines"
                    + " are ids, or what ids begin with. Until: fleetctl uncordon MACHINE"
        })
final class CordonCommand extends FleetCommand {
    @Parameters(paramLabel = "MACHINE", arity = "1..*")
    List<String> machines = List.of();

    CordonCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_CORDON, "cordoned");
    }
}
