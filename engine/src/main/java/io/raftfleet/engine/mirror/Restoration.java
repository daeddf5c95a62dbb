package io.raftfleet.engine.mirror;

import io.raftfleet.engine.control.Controller.Beginning;
import io.raftfleet.engine.control.Controller.BeginningException;
import io.raftfleet.etcd.EtcdException;
import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.proto.log.ClusterCreated;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.MachineExpected;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.UnitRestored;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster that begins with what its mirror in etcd holds: the machines of the schedule first, then units with their
 * contents and places, at last the cluster itself, as the next incarnation. Entries that were committed by an earlier try
 * are dropped as they are applied, so it may be tried again by any leader; until it is complete nobody writes the mirror.
 */
public final class Restoration implements Beginning {
    private static final Logger log = LoggerFactory.getLogger(Restoration.class);

    private static final int ENTRY_BYTES = 512 * 1024;

    /** Start generations go on from so far above the mirror's last version: it lags, and machines may have seen later ones. */
    private static final long GENERATIONS_APART = 1L << 50;

    private final String clusterId;
    private final EtcdSettings settings;

    public Restoration(String clusterId, EtcdSettings settings) {
        this.clusterId = clusterId;
        this.settings = settings;
    }

    @Override
    public List<List<Record>> entries() throws BeginningException, InterruptedException {
        MirrorCopy copy;
        try {
            copy = MirrorCopy.read(clusterId, settings, Mirror.Timing.DEFAULT);
        } catch (EtcdException e) {
            throw new BeginningException(String.valueOf(e.getMessage()), e);
        }
        log.info(
                "restoring {} units from etcd {}, as incarnation {} left them",
                copy.units().size(),
                settings,
                Long.toHexString(copy.incarnation()));
        return entries(copy);
    }

    static List<List<Record>> entries(MirrorCopy copy) {
        var entries = new Entries();
        var machines = new TreeSet<>(copy.schedule().values());
        machines.addAll(copy.metadata().keySet());
        for (var machine : machines) {
            entries.add(machine(copy, machine));
        }
        var stored = new HashSet<String>();
        for (var unit : copy.units().entrySet()) {
            var hash = unit.getValue().hash();
            var restored = unit(copy, unit.getKey());
            if (stored.add(hash)) {
                // In one entry: contents without a unit do not outlast theirs.
                entries.add(
                        contents(hash, Objects.requireNonNull(copy.contents().get(hash))), restored);
            } else {
                entries.add(restored);
            }
        }
        entries.add(Record.newBuilder()
                .setClusterCreated(ClusterCreated.newBuilder()
                        .setIncarnation(copy.incarnation() + 1)
                        .setRestoredFrom(copy.incarnation())
                        .setGenerationBase(copy.generationBase() + copy.version() + GENERATIONS_APART))
                .build());
        return entries.all;
    }

    private static Record machine(MirrorCopy copy, String id) {
        var machine = MachineExpected.newBuilder().setMachineId(id);
        var metadata = copy.metadata().get(id);
        if (metadata != null) {
            machine.putAllSetByOperators(metadata.set()).addAllRemovedByOperators(metadata.removed());
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

    private static Record unit(MirrorCopy copy, String name) {
        var unit = Objects.requireNonNull(copy.units().get(name));
        return Record.newBuilder()
                .setUnitRestored(UnitRestored.newBuilder()
                        .setName(name)
                        .setHash(UnitHash.fromHex(unit.hash()).toByteString())
                        .setTargetState(unit.target())
                        .setStartGeneration(unit.startGeneration())
                        .setMachineId(copy.schedule().getOrDefault(name, "")))
                .build();
    }

    /** Records in entries of a size that the log takes. */
    private static final class Entries {
        final List<List<Record>> all = new ArrayList<>();
        private List<Record> last = new ArrayList<>();
        private int bytes;

        Entries() {
            all.add(last);
        }

        void add(Record... records) {
            int size = 0;
            for (var record : records) {
                size += record.getSerializedSize() + 8;
            }
            if (bytes + size > ENTRY_BYTES && !last.isEmpty()) {
                last = new ArrayList<>();
                all.add(last);
                bytes = 0;
            }
            last.addAll(List.of(records));
            bytes += size;
        }
    }
}
