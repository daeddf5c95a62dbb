package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.model.Machine;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Finds a machine by the start of its id, as people copy it from a list. */
final class MachineLookup {
    private static final int MOST = 3;
    /** So many digits tables show. */
    private static final int SHORTEST = 8;

    private static final String ELLIPSIS = "...";
    private static final String SHORTENED = ELLIPSIS + "/";

    private MachineLookup() {}

    /**
     * Present machines whose id starts so. An ellipsis at the end, and the address behind it, as lists show them, are taken.
     *
     * @throws CommandException when the prefix is empty, as that of a variable which is not set
     */
    static List<Machine> matching(Session session, String prefix) {
        return beginning(named(prefix), present(session));
    }

    /**
     * The same, of lost machines, too.
     *
     * @throws CommandException when the prefix is empty
     */
    static List<Machine> matchingKnown(Session session, String prefix) {
        return beginning(named(prefix), withLost(session));
    }

    private static List<Machine> present(Session session) {
        return session.client()
                .listMachines(ListMachinesRequest.getDefaultInstance())
                .rows();
    }

    private static List<Machine> withLost(Session session) {
        return session.client()
                .listMachines(
                        ListMachinesRequest.newBuilder().setIncludeLost(true).build())
                .rows();
    }

    private static List<Machine> beginning(String prefix, List<Machine> machines) {
        return machines.stream().filter(machine -> isMeant(prefix, machine)).toList();
    }

    /** By the start of its id, or as tables of units and messages show machines: {@code 113f16a7.../10.0.0.1}. */
    static boolean isMeant(String given, Machine machine) {
        int end = given.indexOf(SHORTENED);
        boolean shown =
                given.endsWith("/" + machine.getPrimaryIp()) && (end >= 0 || given.startsWith(machine.getId() + "/"));
        String id = shown ? given.substring(0, given.lastIndexOf('/')) : given;
        return machine.getId().startsWith(withoutEllipsis(id));
    }

    /**
     * The same word, which is not empty: every id starts with that.
     *
     * @throws CommandException when it is
     */
    static String named(String given) {
        if (withoutEllipsis(given).isEmpty()) {
            throw new CommandException("an empty word names no machine; see: fleetctl list-machines --full");
        }
        return given;
    }

    private static String withoutEllipsis(String prefix) {
        return prefix.endsWith(ELLIPSIS) ? prefix.substring(0, prefix.length() - ELLIPSIS.length()) : prefix;
    }

    /** So much of its id that it names this machine alone, and its address: {@code 113f16a7 (10.0.0.1)}. */
    private static String toGive(Machine machine, List<Machine> all) {
        String id = machine.getId();
        int length = Math.min(SHORTEST, id.length());
        while (length < id.length() && beginning(id.substring(0, length), all).size() > 1) {
            length++;
        }
        String address = machine.getPrimaryIp();
        return id.substring(0, length) + (address.isEmpty() ? "" : " (" + address + ")");
    }

    /**
     * A machine whose id starts so, lost or not.
     *
     * @throws CommandException unless exactly one machine's id starts so
     */
    static Machine known(Session session, String prefix) {
        return one(withLost(session), prefix);
    }

    /**
     * Ids of machines, lost or not, that start so.
     *
     * @throws CommandException unless there is one
     */
    static Set<String> someKnown(Session session, String prefix) {
        var all = withLost(session);
        List<Machine> found = beginning(named(prefix), all);
        return found.isEmpty()
                ? Set.of(one(all, prefix).getId())
                : found.stream().map(Machine::getId).collect(Collectors.toUnmodifiableSet());
    }

    /** @throws CommandException unless exactly one machine's id starts so */
    static Machine byPrefix(Session session, String prefix) {
        return one(present(session), prefix);
    }

    private static Machine one(List<Machine> all, String prefix) {
        List<Machine> found = beginning(named(prefix), all);
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
                .map(machine -> toGive(machine, all))
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
                .map(machine -> toGive(machine, all))
                .limit(MOST)
                .toList();
    }
}
