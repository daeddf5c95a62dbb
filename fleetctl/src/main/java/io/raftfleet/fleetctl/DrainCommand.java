package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Machine;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code drain}: a machine's units move to others, and it takes no new ones. */
final class DrainCommand extends FleetCommand {
    int maxParallel;

    @Nullable
    String deadline;

    boolean noBlock;

    String machine = "";

    DrainCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "drain",
                "Move all units off a machine",
                "",
                "Each unit is stopped there and then started on another machine that suits it, one with StartFirst=true the other way round, as many"
                        + " at a time as --max-parallel says; units that"
                        + " must be together move together. One that no other machine suits stays, and is named with the reason. Global units"
                        + " end last. The machine takes no units until: fleetctl uncordon MACHINE. The drain is the cluster's: it goes on when"
                        + " this command ends. To stop it: fleetctl cordon MACHINE, or fleetctl uncordon MACHINE.");
        syntax.add(Syntax.value(int.class, given -> maxParallel = given, "--max-parallel")
                .defaultValue("1")
                .paramLabel("N")
                .description("How many units may be on their way at a time, 1 to 1000; 1 if not said."));
        syntax.add(Syntax.value(String.class, given -> deadline = given, "--deadline")
                .paramLabel("TIME")
                .description(
                        "After so long (90, 90s, 15m, 2h) what is left moves at once, and what no other machine suits is stopped and waits for"
                                + " one. Without it no unit is stopped that has nowhere to go."));
        syntax.add(Syntax.yesOrNo(given -> noBlock = given, "--no-block").description("Do not wait."));
        syntax.add(Syntax.argument(String.class, given -> machine = given)
                .arity("1")
                .paramLabel("MACHINE"));
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
