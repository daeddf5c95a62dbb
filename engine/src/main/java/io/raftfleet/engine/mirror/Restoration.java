package io.raftfleet.engine.mirror;

import io.raftfleet.engine.control.Controller.Beginning;
import io.raftfleet.engine.control.Controller.BeginningException;
import io.raftfleet.etcd.EtcdException;
import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.IdentityRevoked;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SourceStored;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.MachineMarkKind;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster that begins with what its mirror in etcd, or a backup, holds: its machines first, as ones that are awaited, then, of a backup,
 * whose certificates are revoked, then units with their contents and places, at last the cluster itself, as a later incarnation. Entries that were committed by an earlier try
 * are dropped as they are applied, so it may be tried again by any leader; until it is complete nobody writes the mirror.
 */
public final class Restoration implements Beginning {
    private static final Logger log = LoggerFactory.getLogger(Restoration.class);

    private static final int ENTRY_BYTES = 512 * 1024;

    /** Start generations go on from so far above the mirror's last version: it lags, and machines may have seen later ones. */
    private static final long GENERATIONS_APART = 1L << 50;

    /** Backups can be restored again and again, each time as a later life: room for the starts of a second in between. */
    private static final int STARTS_BITS = 31;

    private final String source;
    private final Reader reader;

    private Restoration(String source, Reader reader) {
        this.source = source;
        this.reader = reader;
    }

    /**
     * What is brought back, and how many incarnations later.
     *
     * @param machines ids of all machines that are known of, besides those of the copy
     * @param revoked whose certificates are not taken any more
     */
    record Found(MirrorCopy copy, Set<String> machines, List<IdentityRevoked> revoked, long lives) {}

    private interface Reader {
        Found read() throws EtcdException, IOException, InterruptedException;
    }

    /**
     * From the mirror of that cluster in etcd.
     *
     * @param quota bytes of the heap that this engine's registry may take: what can't fit is not read whole
     */
    public static Restoration fromEtcd(String clusterId, EtcdSettings settings, long quota) {
        return new Restoration("etcd " + settings, () -> {
            log.warn("etcd has no tokens and no revocations: make and revoke again what is still to hold");
            return new Found(
                    MirrorCopy.read(clusterId, settings, Mirror.Timing.DEFAULT, quota), Set.of(), List.of(), 1);
        });
    }

    /** The same from a backup file of that cluster. */
    public static Restoration fromBackup(String clusterId, Path file, InstantSource clock, long quota) {
        return new Restoration("backup " + file, () -> BackupCopy.read(clusterId, file, clock, quota));
    }

    @Override
    public List<List<Record>> entries() throws BeginningException, InterruptedException {
        Found found;
        try {
            found = reader.read();
        } catch (EtcdException | IOException e) {
            throw new BeginningException(String.valueOf(e.getMessage()), e);
        }
        log.info(
                "restoring {} units from {}, as incarnation {} left them",
                found.copy().units().size(),
                source,
                Long.toHexString(found.copy().incarnation()));
        return entries(found);
    }

    static List<List<Record>> entries(MirrorCopy copy) {
        return entries(new Found(copy, Set.of(), List.of(), 1));
    }

    private static List<List<Record>> entries(Found found) {
        var copy = found.copy();
        var entries = new Entries();
        var machines = new TreeSet<>(copy.schedule().values());
        machines.addAll(copy.metadata().keySet());
        machines.addAll(found.machines());
        for (var machine : machines) {
            entries.add(List.of(machine(copy, machine)), null);
        }
        for (var revoked : found.revoked()) {
            entries.add(List.of(Record.newBuilder().setIdentityRevoked(revoked).build()), null);
        }
        var stored = new HashSet<String>();
        for (var unit : copy.units().entrySet()) {
            var hash = unit.getValue().hash();
            var source = unit.getValue().source();
            // In one entry: contents and files without a unit do not outlast theirs.
            var records = new ArrayList<Record>();
            if (stored.add(hash)) {
                records.add(
                        contents(hash, Objects.requireNonNull(copy.contents().get(hash))));
            }
            var file = copy.sources().get(source);
            records.add(unit(copy, unit.getKey(), file != null));
            entries.add(records, file == null ? null : source(source, file));
        }
        entries.add(
                List.of(Record.newBuilder()
                        .setClusterCreated(ClusterCreated.newBuilder()
                                .setIncarnation(copy.incarnation() + found.lives())
                                .setRestoredFrom(copy.incarnation())
                                .setGenerationBase(copy.generationBase()
                                        + copy.version()
                                        + GENERATIONS_APART
                                        + ((found.lives() - 1) << STARTS_BITS)))
                        .build()),
                null);
        return entries.all;
    }

    private static Record machine(MirrorCopy copy, String id) {
        var machine = MachineExpected.newBuilder().setMachineId(id).setAwaited(true);
        var metadata = copy.metadata().get(id);
        if (metadata != null) {
            machine.putAllSetByOperators(metadata.set()).addAllRemovedByOperators(metadata.removed());
            if (metadata.mark().getKind() != MachineMarkKind.MACHINE_MARK_KIND_UNSPECIFIED) {
                machine.setMark(metadata.mark());
            }
        }
        return Record.newBuilder().setMachineExpected(machine).build();
    }

    private static Record contents(String hash, String text) {
        return Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(UnitHash.fromHex(hash).toByteString())
                                .setText(text)))
                .build();
    }

    private static Record source(String digest, String text) {
        return Record.newBuilder()
                .setSourceStored(SourceStored.newBuilder()
                        .setDigest(UnitSource.toBytes(digest))
                        .setText(text))
                .build();
    }

    /** @param withFile whether its file is there as it was submitted; that it is lost does not lose the unit */
    private static Record unit(MirrorCopy copy, String name, boolean withFile) {
        var unit = Objects.requireNonNull(copy.units().get(name));
        var record = UnitRestored.newBuilder()
                .setName(name)
                .setHash(UnitHash.fromHex(unit.hash()).toByteString())
                .setTargetState(unit.target())
                .setStartGeneration(unit.startGeneration())
                .setMachineId(copy.schedule().getOrDefault(name, ""))
                .setSourceDigest(UnitSource.toBytes(withFile ? unit.source() : null))
                .setChangedBy(unit.changedBy())
                .setChangedAtMs(unit.changedAtMs());
        try {
            var file = UnitFile.stored(Objects.requireNonNull(copy.contents().get(unit.hash())));
            record.setFacts(Requirements.of(name, file).facts());
        } catch (InvalidUnitException e) {
            log.warn(
                    "{}; it keeps the meaning that version 0.1 read in it",
                    e.inUnit(name).getMessage());
        }
        return Record.newBuilder().setUnitRestored(record).build();
    }

    /** Records in entries of a size that the log takes. */
    private static final class Entries {
        final List<List<Record>> all = new ArrayList<>();
        private List<Record> last = new ArrayList<>();
        private final Set<Record> sources = new HashSet<>();
        private int bytes;

        Entries() {
            all.add(last);
        }

        /**
         * Adds records to one entry.
         *
         * @param source a file that they refer to: in each entry once, as the one before may have been written while not all engines
         *     read files, and applying it where it is known changes nothing
         */
        void add(List<Record> records, @Nullable Record source) {
            int size = records.stream().mapToInt(Entries::size).sum();
            int whole = size + (source == null || sources.contains(source) ? 0 : size(source));
            if (bytes + whole > ENTRY_BYTES && !last.isEmpty()) {
                last = new ArrayList<>();
                all.add(last);
                bytes = 0;
                sources.clear();
            }
            if (source != null && sources.add(source)) {
                last.add(source);
                bytes += size(source);
            }
            last.addAll(records);
            bytes += size;
        }

        private static int size(Record record) {
            return record.getSerializedSize() + 8;
        }
    }
}
