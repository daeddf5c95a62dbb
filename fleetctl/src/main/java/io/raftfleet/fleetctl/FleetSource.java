package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClient;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a fleet has, as its API tells it.
 *
 * @param units with their contents; each after the units that it follows ({@code MachineOf})
 * @param states by unit
 */
record FleetSource(List<Unit> units, Map<String, List<UnitState>> states, List<Machine> machines) {
    static FleetSource read(FleetClient fleet) {
        var request = ListUnitsRequest.newBuilder().setWithContents(true);
        var byName = new LinkedHashMap<String, Unit>();
        fleet.listUnits(request.build()).rows().forEach(unit -> byName.put(unit.getName(), unit));
        var states = new HashMap<String, List<UnitState>>();
        fleet.listUnitStates(ListUnitStatesRequest.getDefaultInstance())
                .rows()
                .forEach(state -> states.computeIfAbsent(state.getName(), none -> new ArrayList<>())
                        .add(state));
        return new FleetSource(
                leadersFirst(byName),
                states,
                fleet.listMachines(ListMachinesRequest.getDefaultInstance()).rows());
    }

    static UnitFile file(Unit unit) {
        return UnitFile.stored(unit.getContents().getText());
    }

    /** The hash that a machine has of a unit's file, as fleet states it; the unit's where it states none. */
    ByteString hash(Unit unit) {
        return states.getOrDefault(unit.getName(), List.of()).stream()
                .map(UnitState::getHash)
                .filter(hash -> !hash.isEmpty())
                .findFirst()
                .orElse(unit.getHash());
    }

    /** A unit that is alone on its machine while the one that it follows is not there yet would be sent away. */
    private static List<Unit> leadersFirst(Map<String, Unit> units) {
        var followers = new HashMap<String, List<String>>();
        var waitsFor = new HashMap<String, Set<String>>();
        units.forEach((name, unit) -> {
            var leaders = new HashSet<>(peers(unit));
            leaders.retainAll(units.keySet());
            leaders.remove(name);
            waitsFor.put(name, leaders);
            leaders.forEach(leader ->
                    followers.computeIfAbsent(leader, none -> new ArrayList<>()).add(name));
        });
        var ready = new ArrayDeque<String>();
        units.keySet().stream()
                .filter(name -> waitsFor.getOrDefault(name, Set.of()).isEmpty())
                .forEach(ready::add);
        var order = new LinkedHashSet<String>();
        while (!ready.isEmpty()) {
            String name = ready.remove();
            order.add(name);
            for (String follower : followers.getOrDefault(name, List.of())) {
                Set<String> leaders = waitsFor.getOrDefault(follower, Set.of());
                leaders.remove(name);
                if (leaders.isEmpty()) {
                    ready.add(follower);
                }
            }
        }
        order.addAll(units.keySet()); // those that follow each other: fleet has them on no machine
        return order.stream().map(units::get).toList();
    }

    private static Set<String> peers(Unit unit) {
        try {
            return Set.copyOf(Requirements.of(unit.getName(), file(unit)).peers());
        } catch (InvalidUnitException e) {
            return Set.of(); // it will be refused
        }
    }
}
