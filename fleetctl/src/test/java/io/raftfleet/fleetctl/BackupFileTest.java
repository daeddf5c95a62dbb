package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.hash.Hashing;
import com.google.protobuf.ByteString;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupFileTest {
    @TempDir
    Path dir;

    private static BackupRow row(String key, ByteString value) {
        return BackupRow.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(value)
                .build();
    }

    private static byte[] backup() throws IOException {
        return backup("[Service]\n", "a.service");
    }

    /** A backup of launched units that all have these contents. */
    static byte[] backup(String text, String... units) throws IOException {
        return backup(text, List.of(), units);
    }

    /** The same with machines. */
    static byte[] backup(String text, List<MachineRow> machines, String... units) throws IOException {
        var hash = ByteString.copyFromUtf8("01234567890123456789");
        var out = new ByteArrayOutputStream();
        out.write("raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII));
        BackupHeader.newBuilder().setClusterId("c").setIndex(7).build().writeDelimitedTo(out);
        row(
                        "chash",
                        ContentsRow.newBuilder()
                                .setHash(hash)
                                .setText(text)
                                .build()
                                .toByteString())
                .writeDelimitedTo(out);
        for (String unit : units) {
            row(
                            "u" + unit,
                            UnitRow.newBuilder()
                                    .setName(unit)
                                    .setHash(hash)
                                    .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                    .build()
                                    .toByteString())
                    .writeDelimitedTo(out);
        }
        for (MachineRow machine : machines) {
            row("m" + machine.getId(), machine.toByteString()).writeDelimitedTo(out);
        }
        out.write(0);
        out.write(Hashing.sha256().hashBytes(out.toByteArray()).asBytes());
        return out.toByteArray();
    }

    @Test
    void whatOperatorsSaidOfMachinesComesWhole() throws IOException {
        var machines = List.of(
                marked("c", MachineMarkKind.MACHINE_MARK_KIND_CORDONED).build(),
                marked("d", MachineMarkKind.MACHINE_MARK_KIND_DRAINED)
                        .putSetByOperators("k", "v")
                        .build(),
                marked("e", MachineMarkKind.MACHINE_MARK_KIND_ENDING).build(),
                MachineRow.newBuilder().setId("f").addRemovedByOperators("k").build());
        BackupFile file = BackupFile.read(Files.write(dir.resolve("f"), backup("[Service]\n", machines)));
        var drain =
                MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_DRAIN).setMaxParallel(3);
        assertThat(file.patches())
                .containsExactly(
                        MachinePatch.newBuilder()
                                .setMachineId("c")
                                .setOrder(MachineOrder.newBuilder().setKind(MachineOrder.Kind.KIND_CORDON))
                                .build(),
                        MachinePatch.newBuilder()
                                .setMachineId("d")
                                .setKey("k")
                                .setValue("v")
                                .build(),
                        MachinePatch.newBuilder()
                                .setMachineId("d")
                                .setOrder(drain)
                                .build(),
                        MachinePatch.newBuilder()
                                .setMachineId("e")
                                .setOrder(drain)
                                .build(),
                        MachinePatch.newBuilder().setMachineId("f").setKey("k").build());
    }

    private static MachineRow.Builder marked(String id, MachineMarkKind kind) {
        return MachineRow.newBuilder()
                .setId(id)
                .setMark(
                        MachineMark.newBuilder().setKind(kind).setMaxParallel(3).setDeadlineMs(1_795_000_000_000L));
    }

    @Test
    void unitsComeWithTheirContentsAndWhatWasDesired() throws IOException {
        BackupFile file = BackupFile.read(Files.write(dir.resolve("f"), backup()));

        assertThat(file.header().getIndex()).isEqualTo(7);
        assertThat(file.units()).singleElement().satisfies(unit -> {
            assertThat(unit.getName()).isEqualTo("a.service");
            assertThat(unit.getText()).isEqualTo("[Service]\n");
            assertThat(unit.getTargetState()).isEqualTo(TargetState.TARGET_STATE_LAUNCHED);
        });
    }

    @Test
    void filesComeAsTheyWereSubmitted() throws IOException {
        var source = UnitSource.of("# why\n[Service]\n");
        var digest = UnitSource.toBytes(source.digest());
        var hash = ByteString.copyFromUtf8("01234567890123456789");
        var out = new ByteArrayOutputStream();
        out.write("raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII));
        BackupHeader.newBuilder().setClusterId("c").setIndex(7).build().writeDelimitedTo(out);
        var contents = ContentsRow.newBuilder().setHash(hash).setText("[Service]\n");
        row("chash", contents.build().toByteString()).writeDelimitedTo(out);
        var file = SourceRow.newBuilder().setDigest(digest).setText(source.text());
        row("f" + source.digest(), file.build().toByteString()).writeDelimitedTo(out);
        var unit = UnitRow.newBuilder().setName("a.service").setHash(hash).setSourceDigest(digest);
        row("ua.service", unit.build().toByteString()).writeDelimitedTo(out);
        out.write(0);
        out.write(Hashing.sha256().hashBytes(out.toByteArray()).asBytes());

        BackupFile read = BackupFile.read(Files.write(dir.resolve("f"), out.toByteArray()));
        assertThat(read.units())
                .singleElement()
                .satisfies(u -> assertThat(u.getText()).isEqualTo(source.text()));
    }

    @Test
    void everyFlippedByteAndEveryCutIsRefused() throws IOException {
        byte[] sound = backup();
        for (int i = 0; i < sound.length; i++) {
            byte[] flipped = sound.clone();
            flipped[i] ^= 4;
            Path file = Files.write(dir.resolve("f"), flipped);
            assertThatThrownBy(() -> BackupFile.read(file)).as("byte %d", i).isInstanceOf(IOException.class);
            Path cut = Files.write(dir.resolve("g"), Arrays.copyOf(sound, i));
            assertThatThrownBy(() -> BackupFile.read(cut)).as("cut at %d", i).isInstanceOf(IOException.class);
        }
        Path longer = Files.write(dir.resolve("h"), Arrays.copyOf(sound, sound.length + 1));
        assertThatThrownBy(() -> BackupFile.read(longer)).isInstanceOf(IOException.class);
    }
}
