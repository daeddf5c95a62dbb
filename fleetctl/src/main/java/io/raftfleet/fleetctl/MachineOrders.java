package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.model.Machine;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Gives orders about machines, and tells people what became of each. To be used by one thread. */
final class MachineOrders {
    private final Session session;

    MachineOrders(Session session) {
        this.session = session;
    }

    /**
     * Gives each machine the same order.
     *
     * @param prefixes of their ids; one that is found twice is ordered once
     * @param done what to say of one, as it was before, that has carried it out: "cordoned"
     * @return exit code
     */
    int give(List<String> prefixes, MachineOrder.Kind kind, Function<Machine, String> done) {
        Map<String, Machine> found = new LinkedHashMap<>();
        int exit = 0;
        for (String prefix : prefixes) {
            try {
                Machine machine = MachineLookup.known(session, prefix);
                found.put(machine.getId(), machine);
            } catch (CommandException e) {
                exit = 1;
                session.err(String.valueOf(e.getMessage()));
            }
        }
        List<Machine> machines = List.copyOf(found.values());
        var order = MachineOrder.newBuilder().setKind(kind).build();
        List<ItemResult> results = send(machines.stream()
                .map(machine -> MachinePatch.newBuilder()
                        .setMachineId(machine.getId())
                        .setOrder(order)
                        .build())
                .toList());
        for (int i = 0; i < machines.size(); i++) {
            exit |= tell(machines.get(i), results.get(i), done.apply(machines.get(i)));
        }
        return exit;
    }

    /** Changes a machine's metadata; returns the exit code. */
    int patch(Machine machine, List<MachinePatch> patches, String done) {
        int exit = 0;
        var failed = new ArrayList<String>();
        List<ItemResult> results = send(patches);
        for (int i = 0; i < patches.size(); i++) {
            if (!UnitCreator.succeeded(results.get(i))) {
                exit = 1;
                failed.add(UnitCreator.reason(results.get(i)));
            }
        }
        failed.forEach(why -> session.err("Error changing metadata: " + why));
        if (exit == 0) {
            session.out("Machine " + legend(machine) + " " + done);
        }
        return exit;
    }

    /** Says what became of an order; returns the exit code. */
    int tell(Machine machine, ItemResult result, String done) {
        if (result.getCode() == ItemCode.ITEM_CODE_UNCHANGED) {
            session.out(Words.sentence(result.getMessage()));
            return 0;
        }
        if (!UnitCreator.succeeded(result)) {
            session.err("Error: " + UnitCreator.reason(result));
            return 1;
        }
        session.out("Machine " + legend(machine) + " " + done);
        return 0;
    }

    /** Sends orders, or says why that failed. */
    List<ItemResult> send(List<MachinePatch> patches) {
        if (patches.isEmpty()) {
            return List.of();
        }
        try {
            return session.client().patchMachines(patches).results();
        } catch (FleetClientException e) {
            throw new CommandException("Error changing machines: " + e.getMessage(), e);
        }
    }

    static String legend(Machine machine) {
        return Words.machine(machine.getId(), machine, false);
    }
}
