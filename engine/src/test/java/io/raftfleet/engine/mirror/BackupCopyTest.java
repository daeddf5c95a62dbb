package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.hash.Hashing;
import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.engine.control.Controller.BeginningException;
import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.JoinTokenRow;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RegistryRow;
import io.raftfleet.proto.log.RevocationRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.UnitFacts;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.proto.model.MachineMark;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupCopyTest {
    private static final String CLUSTER = "9b9fd0c1-1b5e-4b0c-8d8e-111111111111";
    private static final long INCARNATION = 0xfff0_0000_0000_0001L;
    private static final long BASE = 1L << 50;
    private static final long MADE = 1_700_000_000_000L;
    private static final UnitSource SOURCE = UnitSource.of("# as it was\n[Service]\n");
    private static final ByteString HASH = ByteString.copyFromUtf8("01234567890123456789");

    private static final MachineMark DRAINED = MachineMark.newBuilder()
            .setKind(MachineMarkKind.MACHINE_MARK_KIND_DRAINED)
            .setSinceMs(5)
            .setMaxParallel(2)
            .build();

    private static final Principal LOST = Principal.newBuilder()
            .setKind(PrincipalKind.PRINCIPAL_KIND_ENGINE)
            .setName("e2")
            .build();

    @TempDir
    Path dir;

    @Test
    void unitsComeBackWhereTheyWereAndAsTheirMachinesKnowThem() throws Exception {
        var records = restore(backup(true), MADE + 500);

        assertThat(records.stream().filter(Record::hasMachineExpected).map(Record::getMachineExpected))
                .as("all machines, those without units too")
                .containsExactly(
                        MachineExpected.newBuilder()
                                .setMachineId("m1")
                                .putSetByOperators("rack", "r7")
                                .addRemovedByOperators("old")
                                .setAwaited(true)
                                .build(),
                        MachineExpected.newBuilder()
                                .setMachineId("m2")
                                .setAwaited(true)
                                .setMark(DRAINED)
                                .build());
        assertThat(records.stream().filter(Record::hasUnitRestored).map(Record::getUnitRestored))
                .containsExactly(
                        UnitRestored.newBuilder()
                                .setName("a.service")
                                .setHash(HASH)
                                .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                                .setStartGeneration(77)
                                .setMachineId("m1")
                                .setFacts(UnitFacts.getDefaultInstance())
                                .setSourceDigest(UnitSource.toBytes(SOURCE.digest()))
                                .setChangedBy("user/alice")
                                .setChangedAtMs(MADE)
                                .build(),
                        UnitRestored.newBuilder()
                                .setName("b.service")
                                .setHash(HASH)
                                .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                                .setFacts(UnitFacts.getDefaultInstance())
                                .setChangedBy("plaintext")
                                .setChangedAtMs(MADE)
                                .build());
        assertThat(records.stream().filter(Record::hasSourceStored).map(Record::getSourceStored))
                .singleElement()
                .satisfies(stored -> assertThat(stored.getText()).isEqualTo(SOURCE.text()));
        assertThat(records.stream().filter(Record::hasContentsStored)).hasSize(1);
        assertThat(records.stream().filter(Record::hasIdentityRevoked).map(Record::getIdentityRevoked))
                .as("who was shut out stays out")
                .containsExactly(
                        IdentityRevoked.newBuilder().setWho(LOST).setBeforeMs(5).build());
        assertThat(records.stream().filter(Record::hasJoinTokenCreated))
                .as("a token may have been used since")
                .isEmpty();
        var created = records.getLast().getClusterCreated();
        assertThat(created.getIncarnation()).isEqualTo(INCARNATION + 1);
        assertThat(created.getRestoredFrom()).isEqualTo(INCARNATION);
        assertThat(created.getGenerationBase())
                .as("above all that was given out, with room for what came after the backup")
                .isGreaterThan(BASE + (8L << 20) + (1L << 49));
    }

    @Test
    void aSecondRestorationIsALaterLifeThanTheFirst() throws Exception {
        var file = backup(true);
        var first = restore(file, MADE + 1_000).getLast().getClusterCreated();
        var second = restore(file, MADE + 3_000).getLast().getClusterCreated();
        assertThat(second.getIncarnation() - first.getIncarnation()).isEqualTo(2);
        assertThat(second.getGenerationBase() - first.getGenerationBase()).isEqualTo(2L << 31);

        var late = restore(file, MADE + 10_000_000_000_000L).getLast().getClusterCreated();
        assertThat(late.getIncarnation() - INCARNATION)
                .as("what agents take for their own cluster's")
                .isLessThan(1L << 32);
        var early = restore(file, MADE - 1_000_000).getLast().getClusterCreated();
        assertThat(early.getIncarnation() - INCARNATION).isEqualTo(1);
    }

    @Test
    void whicheverFileIsRestoredLastIsTheLatestLife() throws Exception {
        var older = backup(true, MADE);
        var newer = backup(true, MADE + 3_600_000);
        var first = restore(older, MADE + 7_200_000).getLast().getClusterCreated();
        var second = restore(newer, MADE + 7_202_000).getLast().getClusterCreated();
        assertThat(second.getIncarnation() - first.getIncarnation()).isEqualTo(2);
        assertThat(second.getGenerationBase() - first.getGenerationBase()).isEqualTo(2L << 31);
    }

    @Test
    void whatCanNotBeRestoredIsRefusedWithWhatToDo() throws Exception {
        var sound = backup(true);
        var flipped = sound.clone();
        flipped[sound.length / 2] ^= 1;
        assertThatThrownBy(() -> restore(flipped, MADE))
                .isInstanceOf(BeginningException.class)
                .hasMessageContainingAll("is damaged", "Take another backup file");
        assertThatThrownBy(() -> restore(backup(false), MADE))
                .hasMessageContaining("lacks the contents of unit a.service");
        var file = Files.write(dir.resolve("backup"), sound);
        assertThatThrownBy(() -> Restoration.fromBackup("other", file, InstantSource.system(), 1 << 20)
                        .entries())
                .hasMessageContainingAll("is of cluster " + CLUSTER, "--cluster-id " + CLUSTER);
        assertThatThrownBy(() -> Restoration.fromBackup(CLUSTER, dir.resolve("none"), InstantSource.system(), 1 << 20)
                        .entries())
                .hasMessageContaining("there is no backup file");
    }

    /** What the heap has no room for must not be read to find that out: the rest of the file is not looked at. */
    @Test
    void aBackupThatTheQuotaHasNoRoomForIsNotReadToItsEnd() throws Exception {
        var cut = Arrays.copyOf(backup(true), backup(true).length - 40);
        var file = Files.write(dir.resolve("file"), cut);
        assertThatThrownBy(() -> Restoration.fromBackup(CLUSTER, file, InstantSource.system(), 19)
                        .entries())
                .isInstanceOf(BeginningException.class)
                .hasMessageContainingAll("holds more than the 0 MiB", "registry_quota");
        assertThatThrownBy(() -> Restoration.fromBackup(CLUSTER, file, InstantSource.system(), 1 << 20)
                        .entries())
                .hasMessageContaining("is damaged");
    }

    private List<Record> restore(byte[] backup, long now) throws Exception {
        var file = Files.write(dir.resolve("file"), backup);
        return Restoration.fromBackup(CLUSTER, file, InstantSource.fixed(Instant.ofEpochMilli(now)), 1 << 20)
                .entries()
                .stream()
                .flatMap(List::stream)
                .toList();
    }

    private static byte[] backup(boolean complete) throws IOException {
        return backup(complete, MADE);
    }

    private static byte[] backup(boolean complete, long made) throws IOException {
        var out = new ByteArrayOutputStream();
        out.write("raftfleet backup 1\n".getBytes(StandardCharsets.US_ASCII));
        BackupHeader.newBuilder().setClusterId(CLUSTER).setIndex(7).build().writeDelimitedTo(out);
        row(
                out,
                "r",
                RegistryRow.newBuilder()
                        .setIncarnation(INCARNATION)
                        .setGenerationBase(BASE)
                        .setClockMs(made)
                        .setCreatedMs(MADE)
                        .build());
        if (complete) {
            row(
                    out,
                    "chash",
                    ContentsRow.newBuilder()
                            .setHash(HASH)
                            .setText("[Service]\n")
                            .build());
        }
        row(
                out,
                "mm1",
                MachineRow.newBuilder()
                        .setId("m1")
                        .putAnnounced("host", "h1")
                        .putSetByOperators("rack", "r7")
                        .addRemovedByOperators("old")
                        .build());
        row(out, "mm2", MachineRow.newBuilder().setId("m2").setMark(DRAINED).build());
        row(
                out,
                "vengine/e2",
                RevocationRow.newBuilder().setWho(LOST).setBeforeMs(5).build());
        row(out, "tid", JoinTokenRow.newBuilder().setId("id").build());
        var unit = UnitRow.newBuilder().setHash(HASH);
        row(
                out,
                "f" + SOURCE.digest(),
                SourceRow.newBuilder()
                        .setDigest(UnitSource.toBytes(SOURCE.digest()))
                        .setText(SOURCE.text())
                        .build());
        row(
                out,
                "ua.service",
                unit.setName("a.service")
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartGeneration(77)
                        .setMachineId("m1")
                        .setSourceDigest(UnitSource.toBytes(SOURCE.digest()))
                        .setChangedBy("user/alice")
                        .setChangedAtMs(MADE)
                        .build());
        row(
                out,
                "ub.service",
                unit.setName("b.service")
                        .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                        .clearStartGeneration()
                        .clearMachineId()
                        // Of a file that is lost.
                        .setSourceDigest(ByteString.copyFrom(new byte[32]))
                        .setChangedBy("plaintext")
                        .build());
        out.write(0);
        out.write(Hashing.sha256().hashBytes(out.toByteArray()).asBytes());
        return out.toByteArray();
    }

    private static void row(ByteArrayOutputStream out, String key, MessageLite value) throws IOException {
        BackupRow.newBuilder()
                .setKey(ByteString.copyFromUtf8(key))
                .setValue(value.toByteString())
                .build()
                .writeDelimitedTo(out);
    }
}
