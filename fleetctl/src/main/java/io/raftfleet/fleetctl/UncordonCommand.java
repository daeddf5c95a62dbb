package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code uncordon}, and {@code undrain}: a machine takes units again. */
@Command(
        name = "uncordon",
        abbreviateSynopsis = true,
        description = {
            "Let machines take units again",
            "",
            "Ends a cordon and a drain, also one that is under way: what has not left stays, what has left does not come back by itself. uncordon"
                    + " and undrain are the same."
        })
final class UncordonCommand extends FleetCommand {
    @Parameters(paramLabel = "MACHINE", arity = "1..*")
    List<String> machines = List.of();

    UncordonCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_UNCORDON, before -> "uncordoned");
    }
}
