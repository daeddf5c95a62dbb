package io.raftfleet.engine.sim;

import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A backup of the registry, as the entries that a restoration of it begins with.
 *
 * @param wanted target states by unit
 */
record SimBackup(List<Entry> entries, Map<String, TargetState> wanted) {
    private static final long GENERATIONS_APART = 1L << 50;

    static SimBackup of(RegistryView view) {
        var records = new ArrayList<Record>();
        var wanted = new TreeMap<String, TargetState>();
        view.machines()
                .keySet()
                .forEach(id -> records.add(Record.newBuilder()
                        .setMachineExpected(
                                MachineExpected.newBuilder().setMachineId(id).setAwaited(true))
                        .build()));
        for (var unit : view.units().values()) {
            wanted.put(unit.name(), unit.target());
            records.add(Record.newBuilder()
                    .setContentsStored(ContentsStored.newBuilder()
                            .setContents(UnitContents.newBuilder()
                                    .setHash(unit.hash().toByteString())
                                    .setText(String.valueOf(view.contents(unit.hash())))))
                    .build());
            records.add(restored(unit));
        }
        records.add(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder()
                        .setIncarnation(view.incarnation() + 1)
                        .setRestoredFrom(view.incarnation())
                        .setGenerationBase(view.generationBase() + GENERATIONS_APART))
                .build());
        var entry = Entry.newBuilder().setFormat(5).setLeaderTimeMs(view.clockMs());
        return new SimBackup(List.of(entry.addAllRecords(records).build()), wanted);
    }

    private static Record restored(UnitRecord unit) {
        return Record.newBuilder()
                .setUnitRestored(UnitRestored.newBuilder()
                        .setName(unit.name())
                        .setHash(unit.hash().toByteString())
                        .setTargetState(unit.target())
                        .setStartGeneration(unit.startGeneration())
                        .setMachineId(unit.machineId() == null ? "" : unit.machineId())
                        .setFacts(unit.wants().facts()))
                .build();
    }
}
