package io.raftfleet.fleetctl;

import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.MachinePresence;
import io.raftfleet.proto.model.Veto;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What would help against a veto, as far as the list of machines says. */
final class VetoHelp {
    /** {@code MachineMetadata=key=value}, or with more pairs of the same key, each in quotes. */
    private static final Pattern METADATA = Pattern.compile("MachineMetadata=\"?([^=\"]+)=([^\"]*)\"?.*");

    private static final int MOST = 5;

    private VetoHelp() {}

    /** One line; empty when nothing is known that would help. */
    static Optional<String> of(Veto veto, List<Machine> machines) {
        List<Machine> present = machines.stream()
                .filter(machine -> machine.getPresence() != MachinePresence.MACHINE_PRESENCE_LOST)
                .toList();
        if (veto.getRequirement().equals("cordon")) {
            return cordoned(present);
        }
        var metadata = METADATA.matcher(veto.getRequirement());
        if (metadata.matches()) {
            return Optional.of(values(metadata.group(1), metadata.group(2), present));
        }
        if (veto.getRequirement().startsWith("MachineID=") && veto.getMatching() == 0) {
            return Optional.of("see the ids that there are: fleetctl list-machines --full");
        }
        return Optional.empty();
    }

    private static Optional<String> cordoned(List<Machine> present) {
        List<String> ids = present.stream()
                .filter(machine -> !Words.placeOf(machine).equals("present"))
                .map(machine -> Words.machineId(machine.getId(), false) + " is " + Words.placeOf(machine))
                .toList();
        return ids.isEmpty()
                ? Optional.empty()
                : Optional.of(some(ids) + ": fleetctl uncordon MACHINE has it take units again");
    }

    /** "3 have disk=SSD, 37 have no disk". */
    private static String values(String key, String wanted, List<Machine> present) {
        var counts = new TreeMap<String, Integer>();
        for (Machine machine : present) {
            String value = machine.getMetadataMap().get(key);
            counts.merge(value == null ? "no " + key : key + "=" + value, 1, Integer::sum);
        }
        List<String> groups = counts.entrySet().stream()
                .sorted(Comparator.<Map.Entry<String, Integer>>comparingInt(
                                group -> likeness(group.getKey(), key + "=" + wanted))
                        .thenComparing(Map.Entry::getValue, Comparator.reverseOrder())
                        .thenComparing(Map.Entry::getKey))
                .map(group -> group.getValue() + (group.getValue() == 1 ? " has " : " have ") + group.getKey())
                .toList();
        return some(groups) + "; to say so of one: fleetctl machine set " + key + "=" + wanted + " MACHINE";
    }

    /** What differs only in case comes first: that is mostly the mistake. */
    private static int likeness(String pair, String wanted) {
        return pair.equals(wanted) ? 1 : pair.equalsIgnoreCase(wanted) ? 0 : 2;
    }

    private static String some(List<String> all) {
        var first = new ArrayList<>(all.subList(0, Math.min(MOST, all.size())));
        if (first.size() < all.size()) {
            first.add((all.size() - first.size()) + " more");
        }
        return first.stream().collect(Collectors.joining(", "));
    }
}
