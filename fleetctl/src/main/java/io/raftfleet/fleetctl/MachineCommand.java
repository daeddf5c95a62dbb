package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Machine;
import java.util.ArrayList;
import java.util.List;

/** {@code machine}: what operators say of machines. */
final class MachineCommand extends CommandGroup {
    MachineCommand(Session session) {
        super(session);
    }

    /** {@code machine set}. */
    static final class SetMetadata extends FleetCommand {
        List<String> arguments = List.of();

        SetMetadata(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "set",
                    "Set metadata of a machine",
                    "",
                    "On top of what its agent announces, until: fleetctl machine unset KEY MACHINE. Units that the machine does not suit any more"
                            + " move.");
            syntax.add(Syntax.arguments(given -> arguments = given)
                    .arity("2..*")
                    .paramLabel("KEY=VALUE... MACHINE")
                    .description("Pairs, then the machine's id."));
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
    static final class UnsetMetadata extends FleetCommand {
        List<String> arguments = List.of();

        UnsetMetadata(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "unset",
                    "Remove metadata of a machine",
                    "",
                    "Also what its agent announces: that counts again once it is set again, to whatever value.");
            syntax.add(Syntax.arguments(given -> arguments = given)
                    .arity("2..*")
                    .paramLabel("KEY... MACHINE")
                    .description("Keys, then the machine's id."));
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
    static final class Forget extends FleetCommand {
        List<String> machines = List.of();

        Forget(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "forget",
                    "Take lost machines off the registry",
                    "",
                    "With all that was said of them: metadata that operators have set, a cordon. One that comes back all the same is a new one.");
            syntax.add(Syntax.arguments(given -> machines = given).arity("1..*").paramLabel("MACHINE"));
        }

        @Override
        public Integer call() {
            return new MachineOrders(session).give(machines, MachineOrder.Kind.KIND_FORGET, before -> "forgotten");
        }
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("machine", "Say something of a machine");
    }
}
