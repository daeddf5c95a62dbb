package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.unit.BackupRows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a backup file, whose format {@code cluster.proto} tells, has that can be put into a cluster: unit files, desired states
 * and operators' values on machines. Machines and states are known again from the agents.
 */
record BackupFile(BackupHeader header, long rows, List<NewUnit> units, List<MachinePatch> patches) {
    BackupFile {
        units = List.copyOf(units);
        patches = List.copyOf(patches);
    }

    /**
     * Reads a file whole and verifies its checksum.
     *
     * @throws IOException when it is no backup, is cut off or damaged
     */
    static BackupFile read(Path path) throws IOException {
        if (!Files.isReadable(path)) {
            throw new IOException("there is no file " + path + ", or it can't be read");
        }
        var rows = new Rows();
        var header = BackupRows.read(Files.newInputStream(path), path.toString(), rows::add);
        return new BackupFile(header, rows.count, rows.newUnits(), rows.patches);
    }

    /** Collects rows. */
    private static final class Rows {
        final Map<ByteString, String> texts = new HashMap<>();
        final Map<ByteString, String> sources = new HashMap<>();
        final List<UnitRow> units = new ArrayList<>();
        final List<MachinePatch> patches = new ArrayList<>();
        long count;

        void add(BackupRow row) throws InvalidProtocolBufferException {
            count++;
            switch ((char) row.getKey().byteAt(0)) {
                case 'c' -> {
                    var contents = ContentsRow.parseFrom(row.getValue());
                    texts.put(contents.getHash(), contents.getText());
                }
                case 'f' -> {
                    var source = SourceRow.parseFrom(row.getValue());
                    sources.put(source.getDigest(), source.getText());
                }
                case 'u' -> units.add(UnitRow.parseFrom(row.getValue()));
                case 'm' -> add(MachineRow.parseFrom(row.getValue()));
                default -> {
                    // Transient, or of another cluster's life.
                }
            }
        }

        private void add(MachineRow machine) {
            var patch = MachinePatch.newBuilder().setMachineId(machine.getId());
            machine.getSetByOperatorsMap()
                    .forEach((key, value) ->
                            patches.add(patch.setKey(key).setValue(value).build()));
            patch.clearValue();
            machine.getRemovedByOperatorsList()
                    .forEach(key -> patches.add(patch.setKey(key).build()));
        }

        List<NewUnit> newUnits() throws IOException {
            var result = new ArrayList<NewUnit>(units.size());
            for (UnitRow unit : units) {
                String text = texts.get(unit.getHash());
                if (text == null) {
                    throw new IOException("the backup lacks the contents of unit " + unit.getName());
                }
                result.add(NewUnit.newBuilder()
                        .setName(unit.getName())
                        .setText(sources.getOrDefault(unit.getSourceDigest(), text))
                        .setTargetState(unit.getTargetState())
                        .build());
            }
            return result;
        }
    }
}
