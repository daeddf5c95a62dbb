package io.raftfleet.engine.schedule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The index from metadata requirements to machines. A class costs each of its machines one ordered-set update a
 * decision, so deciding costs O(log machines) times the number of distinct requirements that one machine meets, which
 * depends on how machines are labelled and not on how many units or machines there are. Owned by {@link Cluster}.
 */
final class MachineClasses {
    private record Tag(String key, String value) {}

    private final Map<Map<String, Set<String>>, MachineClass> byMetadata = new HashMap<>();

    /** Each class but the universal one, under all tags of one of its keys: a machine that it admits has one of them. */
    private final Map<Tag, Set<MachineClass>> byTag = new HashMap<>();

    private final Map<Tag, Set<MachineEntry>> machinesByTag = new HashMap<>();
    private final MachineClass universal = new MachineClass(Map.of(), 0);
    private long created;

    /** All open machines. */
    MachineClass universal() {
        return universal;
    }

    /** The class of a requirement, made when there is none; one more unit has it. */
    MachineClass acquire(Map<String, Set<String>> metadata) {
        if (metadata.isEmpty()) {
            return universal;
        }
        MachineClass existing = byMetadata.get(metadata);
        MachineClass found = existing == null ? create(metadata) : existing;
        found.uses++;
        return found;
    }

    /** One unit less has it; it goes with the last. */
    void release(MachineClass released) {
        if (released == universal || --released.uses > 0) {
            return;
        }
        byMetadata.remove(released.metadata);
        for (Tag tag : indexTags(released)) {
            removeFrom(byTag, tag, released);
        }
        released.byLoad.forEach(machine -> machine.classes.remove(released));
    }

    /** Puts a machine that became open into the classes that admit it. */
    void join(MachineEntry machine) {
        addTo(machine, universal);
        List<MachineClass> admitting = new ArrayList<>();
        for (Map.Entry<String, String> pair : machine.metadata.entrySet()) {
            Tag tag = new Tag(pair.getKey(), pair.getValue());
            machinesByTag.computeIfAbsent(tag, same -> new HashSet<>()).add(machine);
            for (MachineClass candidate : byTag.getOrDefault(tag, Set.of())) {
                if (candidate.admits(machine.metadata)) {
                    admitting.add(candidate);
                }
            }
        }
        // The order of a map's entries may differ from one process to the next; that of classes must not.
        admitting.sort(Comparator.comparingLong(admits -> admits.number));
        admitting.forEach(admits -> addTo(machine, admits));
    }

    /** Takes a machine out of all classes. */
    void leave(MachineEntry machine) {
        machine.classes.forEach(had -> had.byLoad.remove(machine));
        machine.classes.clear();
        machine.metadata.forEach((key, value) -> removeFrom(machinesByTag, new Tag(key, value), machine));
    }

    /** Changes how many units a machine has. */
    void changeLoad(MachineEntry machine, int by) {
        List<MachineClass> classes = machine.classes;
        for (int i = 0; i < classes.size(); i++) {
            classes.get(i).byLoad.remove(machine);
        }
        machine.load += by;
        for (int i = 0; i < classes.size(); i++) {
            classes.get(i).byLoad.add(machine);
        }
    }

    private MachineClass create(Map<String, Set<String>> metadata) {
        MachineClass made = new MachineClass(metadata, ++created);
        byMetadata.put(metadata, made);
        for (Tag tag : indexTags(made)) {
            byTag.computeIfAbsent(tag, same -> new LinkedHashSet<>()).add(made);
            for (MachineEntry machine : machinesByTag.getOrDefault(tag, Set.of())) {
                if (made.admits(machine.metadata)) {
                    addTo(machine, made);
                }
            }
        }
        return made;
    }

    private static void addTo(MachineEntry machine, MachineClass joined) {
        joined.byLoad.add(machine);
        machine.classes.add(joined);
    }

    /** The tags of the key with the fewest values. */
    private static List<Tag> indexTags(MachineClass indexed) {
        Map.Entry<String, Set<String>> narrowest = indexed.metadata.entrySet().stream()
                .min(Comparator.<Map.Entry<String, Set<String>>>comparingInt(
                                entry -> entry.getValue().size())
                        .thenComparing(Map.Entry::getKey))
                .orElseThrow();
        return narrowest.getValue().stream()
                .map(value -> new Tag(narrowest.getKey(), value))
                .toList();
    }

    private static <T> void removeFrom(Map<Tag, Set<T>> index, Tag tag, T value) {
        index.computeIfPresent(tag, (same, values) -> {
            values.remove(value);
            return values.isEmpty() ? null : values;
        });
    }
}
