package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Machine;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code drain}: a machine's units move to others, and it takes no new ones. */
@Command(
        name = "drain",
        abbreviateSynopsis = true,
        description = {
            "Move all units off a machine",
            "",
            "Each unit is stopped there and then started on another machine that suits it, as many at a time as --max-parallel says; units that"
                    + " must be together move together. One that no other machine suits stays, and is named with the reason. Global units"
                    + " end last. The machine takes no units until: fleetctl uncordon MACHINE. The drain is the cluster's: it goes on when"
                    + " this command ends. To stop it: fleetctl cordon MACHINE, or fleetctl uncordon MACHINE."
        })
final class DrainCommand extends FleetCommand {
    @Option(
            names = "--max-parallel",
            paramLabel = "N",
            defaultValue = "1",
            description = "How many units may be on their way at a time, 1 to 1000; 1 if not said.")
    int maxParallel;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            description =
                    "After so long (90, 90s, 15m, 2h) what is left moves at once, and what no other machine suits is stopped and waits for"
                            + " one. Without it no unit is stopped that has nowhere to go.")
    @Nullable
    String deadline;

    @Option(
            names = "--no-block",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Do not wait.")
    boolean noBlock;

    @Parameters(paramLabel = "MACHINE", arity = "1")
    String machine = "";

    DrainCommand(Session session) {
        super(session);
    }

    @Override
    public Integer call() {
        if (maxParallel < 1 || maxParallel > 1000) {
            throw CommandException.usage("--max-parallel must be 1 to 1000, it is " + maxParallel);
        }
        var order =
                MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_DRAIN).setMaxParallel(maxParallel);
        Duration limit = deadline == null ? null : Words.duration(deadline);
        if (limit != null) {
            order.setDeadlineMs(Math.max(1, limit.toMillis()));
        }
        Machine found = MachineLookup.known(session, machine);
        try {
            var waiter = noBlock ? null : DrainWaiter.before(session, found);
            var orders = new MachineOrders(session);
            ItemResult result = orders.send(List.of(MachinePatch.newBuilder()
                            .setMachineId(found.getId())
                            .setOrder(order)
                            .build()))
                    .getFirst();
            int exit = orders.tell(found, result, "draining");
            return exit != 0 || waiter == null ? exit : waiter.await();
        } catch (FleetClientException e) {
            throw new CommandException(
                    "Error waiting for machine " + MachineOrders.legend(found) + ": " + e.getMessage()
                            + "; the drain goes on if it was ordered, see: fleetctl list-machines",
                    e);
        }
    }
}
