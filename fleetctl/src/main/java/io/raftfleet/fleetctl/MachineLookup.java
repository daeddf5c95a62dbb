package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.util.List;

/** Finds a machine by the start of its id, as people copy it from a list. */
final class MachineLookup {
    private MachineLookup() {}

    /** Present machines whose id starts so. An ellipsis at the end, as lists show it, does not count. */
    static List<Machine> matching(Session session, String prefix) {
        return matching(session, prefix, ListMachinesRequest.getDefaultInstance());
    }

    private static List<Machine> matching(Session session, String prefix, ListMachinesRequest among) {
        String start = prefix.endsWith("...") ? prefix.substring(0, prefix.length() - 3) : prefix;
        return session.client().listMachines(among).rows().stream()
                .filter(machine -> machine.getId().startsWith(start))
                .toList();
    }

    /**
     * A machine whose id starts so, lost or not.
     *
     * @throws CommandException unless exactly one machine's id starts so
     */
    static Machine known(Session session, String prefix) {
        return one(
                matching(
                        session,
                        prefix,
                        ListMachinesRequest.newBuilder().setIncludeLost(true).build()),
                prefix);
    }

    /** @throws CommandException unless exactly one machine's id starts so */
    static Machine byPrefix(Session session, String prefix) {
        return one(matching(session, prefix), prefix);
    }

    private static Machine one(List<Machine> found, String prefix) {
        if (found.isEmpty()) {
            throw new CommandException("machine " + prefix + " does not exist, see: fleetctl list-machines --full");
        }
        if (found.size() > 1) {
            throw new CommandException(
                    "found more than one machine whose id starts with " + prefix + ", give more of it");
        }
        return found.getFirst();
    }
}
