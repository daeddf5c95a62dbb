package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Glob;
import io.raftfleet.unit.InvalidPatternException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What {@code watch} follows: lists it, takes its changes, and makes rows of it. To be used by one thread. */
abstract sealed class Watched {
    final Session session;
    final TreeMap<String, Machine> machines = new TreeMap<>();

    private Watched(Session session) {
        this.session = session;
    }

    /** In the order of the table. */
    abstract List<String> columns();

    /** Forgets all and lists it; returns the revision to watch from. */
    abstract Revision list();

    /** The watch that goes with it, without a beginning. */
    abstract WatchRequest.Builder request();

    /** Takes a change; returns whose rows it may change, or null. */
    abstract @Nullable String apply(WatchEvent event);

    /** Names of units, or ids of machines, that there are. */
    abstract Set<String> subjects();

    /** Rows of a unit, or of a machine; none when there is no such thing. */
    abstract List<WatchedRow> rows(String subject);

    /** Words by any of which {@code --state} finds a row. */
    abstract Set<String> states(WatchedRow row);

    Revision listMachines() {
        var listed = session.client()
                .listMachines(
                        ListMachinesRequest.newBuilder().setIncludeLost(true).build());
        machines.clear();
        listed.rows().forEach(machine -> machines.put(machine.getId(), machine));
        return listed.revision();
    }

    /** Units, with a row for each machine that has one. */
    static final class Units extends Watched {
        private static final List<String> COLUMNS = List.of("unit", "target", "machine", "active", "sub");

        private final List<String> patterns;
        private final Map<String, Unit> units = new TreeMap<>();
        private final Map<String, Map<String, UnitState>> states = new HashMap<>();

        /** @param patterns names and globs of units; empty: all */
        Units(Session session, List<String> patterns) {
            super(session);
            this.patterns = patterns;
        }

        @Override
        List<String> columns() {
            return COLUMNS;
        }

        @Override
        Revision list() {
            // The oldest of the three: what the others have beyond it the watch repeats.
            Revision from = listMachines();
            var listed = session.client()
                    .listUnits(
                            ListUnitsRequest.newBuilder().addAllNames(patterns).build());
            var reported = session.client()
                    .listUnitStates(ListUnitStatesRequest.newBuilder()
                            .addAllNames(patterns)
                            .build());
            units.clear();
            states.clear();
            listed.rows().forEach(unit -> units.put(unit.getName(), unit));
            reported.rows().forEach(this::put);
            return from;
        }

        @Override
        WatchRequest.Builder request() {
            return WatchRequest.newBuilder()
                    .addAllNames(patterns)
                    .setUnits(true)
                    .setUnitStates(true)
                    .setMachines(true);
        }

        private void put(UnitState state) {
            states.computeIfAbsent(state.getName(), name -> new TreeMap<>()).put(state.getMachineId(), state);
        }

        @Override
        @Nullable
        String apply(WatchEvent event) {
            return switch (event.getChangeCase()) {
                case UNIT -> {
                    units.put(event.getUnit().getName(), event.getUnit());
                    yield event.getUnit().getName();
                }
                case UNIT_DESTROYED -> {
                    units.remove(event.getUnitDestroyed());
                    yield event.getUnitDestroyed();
                }
                case UNIT_STATE -> {
                    put(event.getUnitState());
                    yield event.getUnitState().getName();
                }
                case UNIT_STATE_GONE -> {
                    UnitState gone = event.getUnitStateGone();
                    states.computeIfPresent(gone.getName(), (name, all) -> {
                        all.remove(gone.getMachineId());
                        return all.isEmpty() ? null : all;
                    });
                    yield gone.getName();
                }
                case MACHINE -> {
                    machines.put(event.getMachine().getId(), event.getMachine());
                    yield null;
                }
                default -> null;
            };
        }

        @Override
        Set<String> subjects() {
            var names = new TreeSet<>(units.keySet());
            names.addAll(states.keySet());
            return names;
        }

        @Override
        List<WatchedRow> rows(String name) {
            Unit unit = units.get(name);
            Map<String, UnitState> reported = states.getOrDefault(name, Map.of());
            var rows = new ArrayList<WatchedRow>();
            reported.values().forEach(state -> rows.add(row(name, unit, state.getMachineId(), state)));
            if (unit != null && !reported.containsKey(unit.getMachineId())) {
                // A global unit without a state is on no machine, as others that are not scheduled.
                if (!unit.getMachineId().isEmpty() || rows.isEmpty()) {
                    rows.add(row(name, unit, unit.getMachineId(), UnitState.getDefaultInstance()));
                }
            }
            return rows;
        }

        private WatchedRow row(String name, @Nullable Unit unit, String machineId, UnitState state) {
            var cells = new LinkedHashMap<String, String>();
            cells.put("unit", name);
            cells.put("target", unit == null ? "destroyed" : Words.state(Words.target(unit)));
            cells.put("machine", machineId.isEmpty() ? "-" : Words.machine(machineId, machines.get(machineId), false));
            cells.put("active", dash(state.getActiveState()));
            cells.put("sub", dash(state.getSubState()));
            cells.put("error", state.getError());
            return new WatchedRow(name, machineId, cells);
        }

        private static String dash(String word) {
            return word.isEmpty() ? "-" : word;
        }

        @Override
        Set<String> states(WatchedRow row) {
            var words = new TreeSet<String>();
            List.of("target", "active", "sub")
                    .forEach(column -> words.add(row.cells().getOrDefault(column, "")));
            if (row.machineId().isEmpty()
                    && !Set.of("inactive", "destroyed").contains(row.cells().getOrDefault("target", ""))) {
                words.add("unplaced");
            }
            return words;
        }
    }

    /** Machines, a row each. */
    static final class Machines extends Watched {
        private static final List<String> COLUMNS = List.of("machine", "ip", "state", "units", "metadata");

        private final List<Glob> globs;
        private final List<String> prefixes = new ArrayList<>();
        private final boolean counted;

        /**
         * @param patterns globs of ids and addresses, or what ids begin with; empty: all
         * @param counted whether rows say how many units a machine has: a watch does not tell
         */
        Machines(Session session, List<String> patterns, boolean counted) {
            super(session);
            this.counted = counted;
            var compiled = new ArrayList<Glob>();
            for (String pattern : patterns) {
                if (UnitNames.isPattern(pattern)) {
                    try {
                        compiled.add(Glob.compile(pattern));
                    } catch (InvalidPatternException e) {
                        throw CommandException.of(e);
                    }
                } else {
                    prefixes.add(MachineLookup.named(pattern));
                }
            }
            this.globs = List.copyOf(compiled);
        }

        @Override
        List<String> columns() {
            return counted
                    ? COLUMNS
                    : COLUMNS.stream().filter(column -> !column.equals("units")).toList();
        }

        @Override
        Revision list() {
            return listMachines();
        }

        @Override
        WatchRequest.Builder request() {
            return WatchRequest.newBuilder().setMachines(true);
        }

        @Override
        @Nullable
        String apply(WatchEvent event) {
            return switch (event.getChangeCase()) {
                case MACHINE -> {
                    machines.put(event.getMachine().getId(), event.getMachine());
                    yield event.getMachine().getId();
                }
                case MACHINE_FORGOTTEN -> {
                    machines.remove(event.getMachineForgotten());
                    yield event.getMachineForgotten();
                }
                default -> null;
            };
        }

        @Override
        Set<String> subjects() {
            return Set.copyOf(machines.keySet());
        }

        @Override
        List<WatchedRow> rows(String id) {
            Machine machine = machines.get(id);
            if (machine == null || !admitted(machine)) {
                return List.of();
            }
            var cells = new LinkedHashMap<String, String>();
            cells.put("machine", Words.machineId(id, false));
            cells.put("ip", machine.getPrimaryIp().isEmpty() ? "-" : machine.getPrimaryIp());
            cells.put("state", Words.placeOf(machine));
            if (counted) {
                cells.put("units", Integer.toString(machine.getUnits()));
            }
            cells.put("metadata", Words.metadata(machine.getMetadataMap()));
            return List.of(new WatchedRow(id, "", cells));
        }

        private boolean admitted(Machine machine) {
            return (globs.isEmpty() && prefixes.isEmpty())
                    || prefixes.stream()
                            .anyMatch(start -> MachineLookup.isMeant(start, machine)
                                    || machine.getPrimaryIp().equals(start))
                    || globs.stream()
                            .anyMatch(glob -> glob.matches(machine.getId()) || glob.matches(machine.getPrimaryIp()));
        }

        @Override
        Set<String> states(WatchedRow row) {
            return Set.of(row.cells().getOrDefault("state", "").split(",", -1));
        }
    }
}
