package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Machine;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code machine}: what operators say of machines. */
@Command(
        name = "machine",
        abbreviateSynopsis = true,
        description = "Say something of a machine",
        synopsisSubcommandLabel = "COMMAND")
final class MachineCommand extends CommandGroup {
    MachineCommand(Session session) {
        super(session);
    }

    /** {@code machine set}. */
    @Command(
            name = "set",
            abbreviateSynopsis = true,
            description = {
                "Set metadata of a machine",
                "",
                "On top of what its agent announces, until: fleetctl machine unset KEY MACHINE. Units that the machine does not suit any more"
                        + " move."
            })
    static final class SetMetadata extends FleetCommand {
        @Parameters(paramLabel = "KEY=VALUE... MACHINE", arity = "2..*", description = "Pairs, then the machine's id.")
        List<String> arguments = List.of();

        SetMetadata(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            var pairs = arguments.subList(0, arguments.size() - 1);
            for (String pair : pairs) {
                if (pair.indexOf('=') <= 0) {
                    throw CommandException.usage(
                            "\"" + pair + "\" is no KEY=VALUE: fleetctl machine set KEY=VALUE MACHINE");
                }
            }
            Machine machine = MachineLookup.known(session, arguments.getLast());
            var patches = new ArrayList<MachinePatch>();
            for (String pair : pairs) {
                int equals = pair.indexOf('=');
                patches.add(MachinePatch.newBuilder()
                        .setMachineId(machine.getId())
                        .setKey(pair.substring(0, equals))
                        .setValue(pair.substring(equals + 1))
                        .build());
            }
            return new MachineOrders(session).patch(machine, patches, "has " + String.join(",", pairs));
        }
    }

    /** {@code machine unset}. */
    @Command(
            name = "unset",
            abbreviateSynopsis = true,
            description = {
                "Remove metadata of a machine",
                "",
                "Also what its agent announces: that counts again once it is set again, to whatever value."
            })
    static final class UnsetMetadata extends FleetCommand {
        @Parameters(paramLabel = "KEY... MACHINE", arity = "2..*", description = "Keys, then the machine's id.")
        List<String> arguments = List.of();

        UnsetMetadata(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            Machine machine = MachineLookup.known(session, arguments.getLast());
            var keys = arguments.subList(0, arguments.size() - 1);
            var patches = keys.stream()
                    .map(key -> MachinePatch.newBuilder()
                            .setMachineId(machine.getId())
                            .setKey(key)
                            .build())
                    .toList();
            return new MachineOrders(session).patch(machine, patches, "has no " + String.join(",", keys));
        }
    }

    /** {@code machine forget}. */
    @Command(
            name = "forget",
            abbreviateSynopsis = true,
            description = {
                "Take lost machines off the registry",
                "",
                "With all that was said of them: metadata that operators have set, a cordon. One that comes back all the same is a new one."
            })
    static final class Forget extends FleetCommand {
        @Parameters(paramLabel = "MACHINE", arity = "1..*")
        List<String> machines = List.of();

        Forget(Session session) {
            super(session);
        }

        @Override
        public Integer call() {
            return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_FORGET, before -> "forgotten");
        }
    }
}
