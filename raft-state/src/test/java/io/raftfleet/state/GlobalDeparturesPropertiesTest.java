package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.Requirements;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.jspecify.annotations.Nullable;

/**
 * What machines are to have, and have to let go of, is for every history what the definition says: looked for on all machines, with
 * each unit compared with each other.
 */
class GlobalDeparturesPropertiesTest {
    private static final List<String> UNITS = List.of(
            "a.service", "b.service", "c.service", "d.service", "e.service", "f.service", "g.service", "h.service");

    private static final List<String> MACHINES = List.of("m1", "m2", "m3");
    /** Of units that conflict with each other in all ways, whichever of them are global. */
    static final List<String> TEXTS = List.of(
            text(),
            text("Conflicts=b.service"),
            text("Conflicts=[ceg].service"),
            text("Conflicts=*"),
            text("Global=true"),
            text("Global=true", "MachineMetadata=disk=ssd"),
            text("Global=true", "Conflicts=b.service"),
            text("Global=true", "Conflicts=[adf].service", "MachineMetadata=disk=ssd"),
            text("Global=true", "Conflicts=*"),
            text("Global=true", "Conflicts=[.service"));

    private static final MachineMarkKind[] MARKS = {
        MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED,
        MachineMarkKind.MACHINE_MARK_KIND_DRAINING,
        MachineMarkKind.MACHINE_MARK_KIND_ENDING
    };

    private static final TargetState[] TARGETS = {
        TargetState.TARGET_STATE_INACTIVE, TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED
    };

    @Property(tries = 300)
    void areWhatTheDefinitionSays(@ForAll long seed) {
        var random = new SplittableRandom(seed);
        var registry = new Registry(10);
        var changes = new ArrayList<Change>();
        registry.addListener(applied -> changes.addAll(applied.changes()));
        for (int index = 1; index <= 60; index++) {
            var before = registry.read(Picture::new);
            var record = record(random, registry);
            changes.clear();
            var entry = new ArrayList<>(TEXTS.stream().map(Entries::contents).toList()); // they go with their last unit
            entry.add(record);
            registry.apply(1, index, Entries.entry(entry.toArray(Record[]::new)));
            var after = registry.read(Picture::new);
            registry.read(view -> {
                for (var unit : view.units().values()) {
                    for (var machine : view.machines().values()) {
                        assertThat(view.assigned(unit, machine))
                                .as("%s on %s", unit.name(), machine.id())
                                .isEqualTo(after.has(machine.id()).contains(unit.name()));
                    }
                }
                return 0;
            });
            assertThat(changes.stream().filter(Change.OfDeparture.class::isInstance))
                    .as("after %s", record)
                    .containsExactlyElementsOf(departures(record, before, after));
        }
    }

    /** What machines are to have, and have to let go of. */
    private static final class Picture {
        private final Map<String, Set<String>> assigned = new TreeMap<>();
        private final Map<String, Set<String>> leaving = new TreeMap<>();
        /** Machines that have said something of a unit. */
        private final Map<String, Set<String>> reported = new TreeMap<>();

        private final Set<String> units;

        Picture(RegistryView view) {
            units = Set.copyOf(view.units().keySet());
            for (var machine : view.machines().values()) {
                var has = new TreeSet<>(globalsOn(machine, view));
                view.units().values().stream()
                        .filter(unit ->
                                unit.wanted() && !unit.global() && machine.id().equals(unit.machineId()))
                        .forEach(unit -> has.add(unit.name()));
                assigned.put(machine.id(), has);
                leaving.put(machine.id(), new TreeSet<>(view.departuresFrom(machine.id())));
                view.statesOn(machine.id())
                        .keySet()
                        .forEach(name -> reported.computeIfAbsent(name, same -> new TreeSet<>())
                                .add(machine.id()));
            }
        }

        Set<String> has(String machine) {
            return assigned.getOrDefault(machine, Set.of());
        }

        boolean leaves(String machine, String name) {
            return leaving.getOrDefault(machine, Set.of()).contains(name);
        }

        private static List<String> globalsOn(MachineRecord machine, RegistryView view) {
            var running = new ArrayList<UnitRecord>();
            for (var unit : view.units().values()) {
                if (unit.global()
                        && unit.wanted()
                        && !machine.mark().endsGlobals()
                        && unit.wants().admits(machine.metadata())
                        && view.units().values().stream()
                                .noneMatch(other -> machine.id().equals(other.machineId()) && conflict(unit, other))
                        && running.stream().noneMatch(other -> conflict(unit, other))) {
                    running.add(unit);
                }
            }
            return running.stream().map(UnitRecord::name).toList();
        }

        private static boolean conflict(UnitRecord one, UnitRecord other) {
            return Requirements.conflict(one.name(), one.wants(), other.name(), other.wants());
        }
    }

    /** In their order: of the unit that changes, by machine; then of others, machine by machine. */
    private static List<Change> departures(Record record, Picture before, Picture after) {
        var changes = new ArrayList<Change>();
        if (record.hasMachineForgotten()) {
            var machine = record.getMachineForgotten().getMachineId();
            if (!after.assigned.containsKey(machine)) {
                before.leaving
                        .getOrDefault(machine, Set.of())
                        .forEach(name -> changes.add(new Change.OfDeparture(name, machine, false)));
            }
            return changes;
        }
        var cause = unit(record);
        var places = new TreeSet<>(after.assigned.keySet());
        if (cause != null) {
            boolean gone = record.hasUnitDestroyed() && before.units.contains(cause);
            places.stream()
                    .filter(machine -> before.has(machine).contains(cause)
                            || (gone
                                    && before.reported
                                            .getOrDefault(cause, Set.of())
                                            .contains(machine)))
                    .filter(machine -> !after.has(machine).contains(cause) && !before.leaves(machine, cause))
                    .forEach(machine -> changes.add(new Change.OfDeparture(cause, machine, true)));
            places.stream()
                    .filter(machine -> !before.has(machine).contains(cause)
                            && after.has(machine).contains(cause))
                    .filter(machine -> before.leaves(machine, cause))
                    .forEach(machine -> changes.add(new Change.OfDeparture(cause, machine, false)));
        }
        for (var machine : places) {
            var left = new TreeSet<>(before.has(machine));
            left.removeAll(after.has(machine));
            left.stream()
                    .filter(name -> !name.equals(cause) && !before.leaves(machine, name))
                    .forEach(name -> changes.add(new Change.OfDeparture(name, machine, true)));
            var came = new TreeSet<>(after.has(machine));
            came.removeAll(before.has(machine));
            came.stream()
                    .filter(name -> !name.equals(cause) && (cause != null || before.leaves(machine, name)))
                    .forEach(name -> changes.add(new Change.OfDeparture(name, machine, false)));
        }
        return changes;
    }

    private static @Nullable String unit(Record record) {
        return switch (record.getRecordCase()) {
            case UNIT_CREATED -> record.getUnitCreated().getName();
            case UNIT_DESTROYED -> record.getUnitDestroyed().getName();
            case TARGET_STATE_SET -> record.getTargetStateSet().getName();
            case UNIT_SCHEDULED -> record.getUnitScheduled().getName();
            case UNIT_UNSCHEDULED -> record.getUnitUnscheduled().getName();
            default -> null;
        };
    }

    private static String text(String... lines) {
        return "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\n" + String.join("\n", lines) + "\n";
    }

    private static Record record(SplittableRandom random, Registry registry) {
        var name = UNITS.get(random.nextInt(UNITS.size()));
        var id = MACHINES.get(random.nextInt(MACHINES.size()));
        @Nullable UnitRecord unit = registry.read(view -> view.unit(name));
        @Nullable MachineRecord machine = registry.read(view -> view.machine(id));
        long version = unit == null ? 0 : unit.version();
        long epoch = machine == null ? 0 : machine.sessionEpoch();
        var target = TARGETS[random.nextInt(TARGETS.length)];
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> Entries.create(name, TEXTS.get(random.nextInt(TEXTS.size())), target, version);
            case 3 -> Entries.target(name, version, target);
            case 4 -> Entries.destroy(name, version);
            case 5, 6 -> Entries.schedule(name, version, id);
            case 7 -> Entries.unschedule(name, version);
            case 8 -> Entries.open(id, epoch + 1, Map.of("disk", random.nextBoolean() ? "ssd" : "hdd"));
            case 9 -> Entries.marked(id, MARKS[random.nextInt(MARKS.length)]);
            case 10 ->
                Entries.report(
                        id, epoch, machine == null ? 1 : machine.sequence() + 1, Entries.state(name, "active", true));
            default ->
                random.nextBoolean()
                        ? Entries.lost(id, epoch)
                        : random.nextBoolean() ? Entries.forgotten(id) : Entries.metadata(id, "disk", "ssd");
        };
    }
}
