package io.raftfleet.engine.mirror;

import com.google.protobuf.ByteString;
import io.raftfleet.engine.mirror.Restoration.Found;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.etcd.MirrorValue;
import io.raftfleet.proto.cluster.BackupRow;
import io.raftfleet.proto.log.ContentsRow;
import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.MachineRow;
import io.raftfleet.proto.log.RegistryRow;
import io.raftfleet.proto.log.RevocationRow;
import io.raftfleet.proto.log.SourceRow;
import io.raftfleet.proto.log.UnitRow;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.BackupRows;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is persistent in a backup file: units, contents, schedule, operators' metadata, whose certificates are revoked, and which machines
 * there are. Their addresses and units' states are known again from the agents. Tokens are not brought back: they may have been used
 * since.
 */
final class BackupCopy {
    private static final long MILLIS_A_LIFE = 1000;
    /** Some thirty years of seconds: no age that a clock in its right mind shows. Agents believe more. */
    private static final long MAX_LIVES = 1 << 30;

    private RegistryRow registry = RegistryRow.getDefaultInstance();
    private final Map<String, String> contents = new HashMap<>();
    private final Map<String, String> sources = new HashMap<>();
    private final Map<String, MirrorValue.Unit> units = new TreeMap<>();
    private final Map<String, String> schedule = new HashMap<>();
    private final Map<String, MirrorValue.Metadata> metadata = new HashMap<>();

    private final Set<String> machines = new TreeSet<>();
    private final List<IdentityRevoked> revoked = new ArrayList<>();

    private final Path file;
    private final long most;
    private long bytes;

    private BackupCopy(Path file, long most) {
        this.file = file;
        this.most = most;
    }

    /**
     * Reads a backup file whole and verifies it. It comes back as one incarnation later for each second that has passed since
     * the incarnation that it is of began: so agents can tell any restoration from those before it, whichever file each was of.
     *
     * @param most bytes that names and contents of units may have together: a file with more is not read to its end
     * @throws IOException when there is none, it is damaged, or another cluster's: the message says what to do
     */
    static Found read(String clusterId, Path file, InstantSource clock, long most) throws IOException {
        var copy = new BackupCopy(file, most);
        var header = BackupRows.read(open(file), file.toString(), copy::add);
        if (!header.getClusterId().equals(clusterId)) {
            throw new IOException(file + " is of cluster " + header.getClusterId() + ", not of " + clusterId
                    + ": give the engines --cluster-id " + header.getClusterId()
                    + " to bring that one back, or put its units into this one with fleetctl cluster restore");
        }
        if (copy.registry.getIncarnation() == 0) {
            throw new IOException(
                    file + " was made while its cluster was being restored and is not whole: take another file");
        }
        for (var unit : copy.units.entrySet()) {
            if (!copy.contents.containsKey(unit.getValue().hash())) {
                throw new IOException(file + " lacks the contents of unit " + unit.getKey() + ": take another file");
            }
        }
        long began = copy.registry.getCreatedMs() == 0 ? copy.registry.getClockMs() : copy.registry.getCreatedMs();
        long age = (clock.millis() - began) / MILLIS_A_LIFE;
        return new Found(
                new MirrorCopy(
                        copy.registry.getIncarnation(),
                        copy.registry.getGenerationBase(),
                        Versions.wholeEntry(header.getIndex()),
                        copy.contents,
                        copy.sources,
                        copy.units,
                        copy.schedule,
                        copy.metadata),
                copy.machines,
                copy.revoked,
                Math.clamp(age + 1, 1, MAX_LIVES));
    }

    private static InputStream open(Path file) throws IOException {
        try {
            return Files.newInputStream(file);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no backup file " + file + ": put it there, on every engine's machine", e);
        } catch (AccessDeniedException e) {
            throw new IOException(
                    "user " + System.getProperty("user.name")
                            + ", as which the engine runs, may not read the backup file " + file
                            + ": let it read the file and pass through its directories, on every engine's machine",
                    e);
        }
    }

    private void add(BackupRow row) throws IOException {
        var value = row.getValue();
        switch ((char) row.getKey().byteAt(0)) {
            case 'r' -> registry = RegistryRow.parseFrom(value);
            case 'c' -> {
                var read = ContentsRow.parseFrom(value);
                take(read.getText().length());
                contents.put(hex(read.getHash()), read.getText());
            }
            case 'f' -> {
                var read = SourceRow.parseFrom(value);
                take(read.getText().length());
                sources.put(hex(read.getDigest()), read.getText());
            }
            case 'u' -> {
                var unit = UnitRow.parseFrom(value);
                take(unit.getName().length());
                units.put(
                        unit.getName(),
                        new MirrorValue.Unit(
                                hex(unit.getHash()),
                                unit.getTargetState(),
                                unit.getStartGeneration(),
                                unit.getGlobal(),
                                hex(unit.getSourceDigest()),
                                unit.getChangedBy(),
                                unit.getChangedAtMs()));
                if (!unit.getMachineId().isEmpty()) {
                    schedule.put(unit.getName(), unit.getMachineId());
                }
            }
            case 'm' -> {
                var machine = MachineRow.parseFrom(value);
                take(row.getKey().size());
                // One that was lost, too: it may have come back since, and been given units.
                machines.add(machine.getId());
                if (machine.getSetByOperatorsCount() > 0
                        || machine.getRemovedByOperatorsCount() > 0
                        || machine.hasMark()) {
                    metadata.put(
                            machine.getId(),
                            new MirrorValue.Metadata(
                                    machine.getSetByOperatorsMap(),
                                    machine.getRemovedByOperatorsList(),
                                    machine.getMark()));
                }
            }
            case 'v' -> {
                var revocation = RevocationRow.parseFrom(value);
                take(revocation.getWho().getName().length());
                revoked.add(IdentityRevoked.newBuilder()
                        .setWho(revocation.getWho())
                        .setBeforeMs(revocation.getBeforeMs())
                        .build());
            }
            default -> {
                // Transient, or a token.
            }
        }
    }

    private void take(int more) throws IOException {
        bytes += more;
        if (bytes > most) {
            throw new IOException(
                    file + " holds more than the " + (most >> 20)
                            + " MiB that this engine's registry may have: give all engines more memory or a larger registry_quota");
        }
    }

    private static String hex(ByteString hash) {
        return HexFormat.of().formatHex(hash.toByteArray());
    }
}
