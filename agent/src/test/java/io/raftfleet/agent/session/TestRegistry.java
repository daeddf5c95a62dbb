package io.raftfleet.agent.session;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import io.raftfleet.unit.UnitFile;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a cluster's engines agree on, for the engines of a test: outlasts each of them. Guarded by this. */
final class TestRegistry {
    static final class MachineRecord {
        final Map<String, AssignedUnit> assigned = new TreeMap<>();
        final Map<String, UnitState> states = new TreeMap<>();
        final List<String> gone = new ArrayList<>();
        final List<StateReport> reports = new ArrayList<>();
        final List<Hello> hellos = new ArrayList<>();
        long epoch;
        long sequence;
    }

    String clusterId = "cluster-1";
    long incarnation = 77;
    private final Map<String, MachineRecord> machines = new HashMap<>();
    private final Map<ByteString, UnitFile> contents = new HashMap<>();

    synchronized MachineRecord machine(String id) {
        return machines.computeIfAbsent(id, none -> new MachineRecord());
    }

    synchronized int machineCount() {
        return machines.size();
    }

    synchronized UnitFile store(String text) throws Exception {
        UnitFile file = UnitFile.parse(text);
        contents.put(file.hash().toByteString(), file);
        return file;
    }

    synchronized UnitContents contents(ByteString hash) {
        UnitFile file = contents.get(hash);
        return file == null
                ? UnitContents.getDefaultInstance()
                : UnitContents.newBuilder().setHash(hash).setText(file.text()).build();
    }

    synchronized AssignedUnit assign(String machine, String name, UnitFile file, TargetState target, long generation) {
        AssignedUnit unit = AssignedUnit.newBuilder()
                .setName(name)
                .setHash(file.hash().toByteString())
                .setTargetState(target)
                .setStartGeneration(generation)
                .build();
        machine(machine).assigned.put(name, unit);
        return unit;
    }

    synchronized void unassign(String machine, String name) {
        machine(machine).assigned.remove(name);
    }

    synchronized long open(Hello hello) {
        MachineRecord machine = machine(hello.getMachineId());
        machine.hellos.add(hello);
        machine.sequence = 0;
        return ++machine.epoch;
    }

    synchronized List<Hello> hellos(String id) {
        return List.copyOf(machine(id).hellos);
    }

    synchronized List<StateReport> reports(String id) {
        return List.copyOf(machine(id).reports);
    }

    synchronized List<String> gone(String id) {
        return List.copyOf(machine(id).gone);
    }

    synchronized UnitState state(String id, String name) {
        return machine(id).states.getOrDefault(name, UnitState.getDefaultInstance());
    }

    synchronized Map<String, UnitState> states(String id) {
        return new LinkedHashMap<>(machine(id).states);
    }

    synchronized Map<String, AssignedUnit> assigned(String id) {
        return new LinkedHashMap<>(machine(id).assigned);
    }

    /** As a record of the log would be applied: dropped when it was seen, or is of an older session. */
    synchronized void report(String id, StateReport report) {
        MachineRecord machine = machine(id);
        machine.reports.add(report);
        if (report.getSessionEpoch() != machine.epoch || report.getSequence() <= machine.sequence) {
            return;
        }
        machine.sequence = report.getSequence();
        report.getWholeBucketsList()
                .forEach(bucket -> machine.states.keySet().removeIf(name -> Digest.bucket(name) == bucket));
        report.getGoneList().forEach(name -> {
            machine.states.remove(name);
            machine.gone.add(name);
        });
        report.getStatesList().forEach(state -> machine.states.put(state.getName(), state));
    }

    synchronized Digest assignments(String id) {
        Digest digest = new Digest();
        machine(id).assigned.forEach((name, unit) -> digest.add(name, Digest.of(unit)));
        return digest;
    }

    synchronized Digest stateDigest(String id) {
        Digest digest = new Digest();
        machine(id).states.forEach((name, state) -> digest.add(name, Digest.of(state)));
        return digest;
    }

    /** What a machine's inventory differs in: [0] to set, [1] names to remove, [2] names of orphans. */
    synchronized io.raftfleet.proto.agent.AssignmentDelta difference(
            String id, Collection<Integer> buckets, List<AssignedUnit> has) {
        Map<String, AssignedUnit> wanted = new TreeMap<>(machine(id).assigned);
        wanted.keySet().removeIf(name -> !buckets.contains(Digest.bucket(name)));
        io.raftfleet.proto.agent.AssignmentDelta.Builder delta = io.raftfleet.proto.agent.AssignmentDelta.newBuilder();
        for (AssignedUnit unit : has) {
            AssignedUnit want = wanted.remove(unit.getName());
            if (want == null) {
                if (machine(id).gone.contains(unit.getName())
                        || unit.getTargetState() != TargetState.TARGET_STATE_UNSPECIFIED) {
                    delta.addRemove(unit.getName());
                } else {
                    delta.addOrphans(unit.getName());
                }
            } else if (!want.equals(unit)) {
                delta.addSet(want);
            }
        }
        delta.addAllSet(wanted.values());
        return delta.setAnswersInventory(true).build();
    }
}
