package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.unit.BackupRows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a backup file, whose format {@code cluster.proto} tells, has that can be put into a cluster: unit files, desired states, and
 * what operators said of machines: values, cordons, drains. Machines and states are known again from the agents.
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
        if (!Files.exists(path)) {
            throw new IOException("there is no file " + path);
        }
        if (!Files.isRegularFile(path) || !Files.isReadable(path)) {
            throw new IOException(path + " is no file that this user may read");
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
            if (machine.hasMark()) {
                patches.add(patch.clearKey().setOrder(order(machine.getMark())).build());
            }
        }

        /**
         * What brings a mark about. Nothing is on the machine yet, so that a drain is over at once, and its deadline means nothing. A mark
         * that this version does not know keeps the machine free of new units.
         */
        private static MachineOrder order(MachineMark mark) {
            var order = MachineOrder.newBuilder();
            return switch (mark.getKind()) {
                case MACHINE_MARK_KIND_UNSPECIFIED, MACHINE_MARK_KIND_CORDONED, UNRECOGNIZED ->
                    order.setKind(MachineOrder.Kind.KIND_CORDON).build();
                case MACHINE_MARK_KIND_DRAINING, MACHINE_MARK_KIND_ENDING, MACHINE_MARK_KIND_DRAINED ->
                    order.setKind(MachineOrder.Kind.KIND_DRAIN)
                            .setMaxParallel(mark.getMaxParallel())
                            .build();
            };
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
