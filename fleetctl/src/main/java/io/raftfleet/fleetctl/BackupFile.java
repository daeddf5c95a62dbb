package io.raftfleet.fleetctl;

import com.google.common.hash.Hashing;
import com.google.common.hash.HashingInputStream;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.UnitRow;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a backup file, whose format {@code cluster.proto} tells, has that can be put into a cluster: unit files, desired states
 * and operators' values on machines. Machines and states are known again from the agents.
 */
record BackupFile(BackupHeader header, long rows, List<NewUnit> units, List<MachinePatch> patches) {
    private static final byte[] MAGIC = "raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII);
    /** The largest row is a unit's contents. */
    private static final int LARGEST = 16 << 20;

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
        try (var file = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
                var in = new HashingInputStream(Hashing.sha256(), file)) {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new IOException(path + " is no backup file, or one of another version");
            }
            BackupHeader header = BackupHeader.parseFrom(message(in));
            var rows = new Rows();
            for (byte[] row = message(in); row.length > 0; row = message(in)) {
                rows.add(BackupRow.parseFrom(row));
            }
            byte[] sum = in.hash().asBytes();
            if (!Arrays.equals(file.readNBytes(sum.length), sum) || file.read() != -1) {
                throw new IOException(path + " is damaged: its checksum is wrong. Take another backup file");
            }
            return new BackupFile(header, rows.count, rows.newUnits(), rows.patches);
        } catch (EOFException | InvalidProtocolBufferException e) {
            throw new IOException(
                    path + " is damaged or cut off (" + e.getMessage() + "). Take another backup file", e);
        }
    }

    private static byte[] message(InputStream in) throws IOException {
        int first = in.read();
        if (first < 0) {
            throw new EOFException("it ends in the middle");
        }
        int length = CodedInputStream.readRawVarint32(first, in);
        if (length < 0 || length > LARGEST) {
            throw new EOFException("a row of " + length + " bytes");
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("it ends in the middle");
        }
        return bytes;
    }

    /** Collects rows. */
    private static final class Rows {
        final Map<ByteString, String> texts = new HashMap<>();
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
                        .setText(text)
                        .setTargetState(unit.getTargetState())
                        .build());
            }
            return result;
        }
    }
}
