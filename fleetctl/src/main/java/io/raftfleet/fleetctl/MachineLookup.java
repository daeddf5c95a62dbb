package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.util.List;

/** Finds a machine by the start of its id, as people copy it from a list. */
final class MachineLookup {
    private static final int MOST = 3;

    private MachineLookup() {}

    /** Present machines whose id starts so. An ellipsis at the end, as lists show it, does not count. */
    static List<Machine> matching(Session session, String prefix) {
        return matching(session, prefix, ListMachinesRequest.getDefaultInstance());
    }

    private static List<Machine> matching(Session session, String prefix, ListMachinesRequest among) {
        return beginning(prefix, session.client().listMachines(among).rows());
    }

    private static List<Machine> beginning(String prefix, List<Machine> machines) {
        String start = withoutEllipsis(prefix);
        return machines.stream()
                .filter(machine -> machine.getId().startsWith(start))
                .toList();
    }

    private static String withoutEllipsis(String prefix) {
        return prefix.endsWith("...") ? prefix.substring(0, prefix.length() - 3) : prefix;
    }

    /**
     * A machine whose id starts so, lost or not.
     *
     * @throws CommandException unless exactly one machine's id starts so
     */
    static Machine known(Session session, String prefix) {
        return one(
                session.client()
                        .listMachines(ListMachinesRequest.newBuilder()
                                .setIncludeLost(true)
                                .build())
                        .rows(),
                prefix);
    }

    /** @throws CommandException unless exactly one machine's id starts so */
    static Machine byPrefix(Session session, String prefix) {
        return one(
                session.client()
                        .listMachines(ListMachinesRequest.getDefaultInstance())
                        .rows(),
                prefix);
    }

    private static Machine one(List<Machine> all, String prefix) {
        if (withoutEllipsis(prefix).isEmpty()) {
            throw new CommandException("an empty word names no machine; see: fleetctl list-machines --full");
        }
        List<Machine> found = beginning(prefix, all);
        if (found.isEmpty()) {
            throw new CommandException("machine " + prefix + " does not exist"
                    + Suggestions.question(meant(prefix, all), "; see: fleetctl list-machines --full"));
        }
        if (found.size() > 1) {
            throw new CommandException(
                    "found more than one machine whose id starts with " + prefix + ", give more of it");
        }
        return found.getFirst();
    }

    /** Machines of that address, or with that value in their metadata, or with nearly such an id. */
    private static List<String> meant(String given, List<Machine> all) {
        List<String> known = all.stream()
                .filter(machine -> machine.getPrimaryIp().equals(given)
                        || machine.getMetadataMap().containsValue(given))
                .map(machine -> Words.machine(machine.getId(), machine, false))
                .toList();
        if (!known.isEmpty()) {
            return known.subList(0, Math.min(MOST, known.size()));
        }
        String start = withoutEllipsis(given);
        List<String> near = Suggestions.closest(
                start,
                all.stream()
                        .map(machine -> machine.getId()
                                .substring(
                                        0,
                                        Math.min(start.length(), machine.getId().length())))
                        .toList());
        return all.stream()
                .filter(machine -> near.stream().anyMatch(machine.getId()::startsWith))
                .map(machine -> Words.machine(machine.getId(), machine, false))
                .limit(MOST)
                .toList();
    }
}
