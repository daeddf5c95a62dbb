package io.raftfleet.engine.server;

import io.raftfleet.engine.control.Controller;
import io.raftfleet.engine.control.LocalWrites;
import io.raftfleet.engine.metrics.EngineMetrics;
import io.raftfleet.engine.mirror.RegistrySource;
import io.raftfleet.engine.mirror.Restoration;
import io.raftfleet.engine.mirror.SyncWrites;
import io.raftfleet.etcd.EtcdSettings;
import io.raftfleet.etcd.Mirror;
import io.raftfleet.proto.cluster.MirrorStatus;
import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import io.raftfleet.state.Versions;
import io.raftfleet.state.raft.StartRefusedException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** An engine's part in the mirror in etcd: nothing at all when there is none. */
final class EtcdMirror implements AutoCloseable {
    private final @Nullable Mirror mirror;
    private final @Nullable Restoration restoration;

    /**
     * @param restore whether an empty registry begins with what etcd holds
     * @throws StartRefusedException when it is to, and no etcd is named
     */
    EtcdMirror(EngineConfig config, boolean restore, Registry registry, InstantSource clock, RandomGenerator random)
            throws StartRefusedException {
        EtcdSettings settings = config.etcd().orElse(null);
        if (settings == null) {
            if (restore) {
                throw new StartRefusedException(
                        "Engine '" + config.engineId()
                                + "' is to restore its registry from etcd, and its settings name none any more: set etcd_servers");
            }
            mirror = null;
            restoration = null;
            return;
        }
        var clusterId = config.clusterId().toString();
        var writer =
                new Mirror(clusterId, settings, new RegistrySource(registry), Mirror.Timing.DEFAULT, clock, random);
        mirror = writer;
        restoration = restore ? Restoration.fromEtcd(clusterId, settings, config.registryQuota()) : null;
        registry.addListener(applied -> {
            if (applied.changes().stream().anyMatch(EtcdMirror::persistent)) {
                writer.changed();
            }
        });
    }

    void start(EngineMetrics metrics) {
        if (mirror != null) {
            metrics.mirror(mirror::status);
            mirror.start();
        }
    }

    void leading(long term) {
        if (mirror != null) {
            mirror.leading(term);
        }
    }

    void resigned() {
        if (mirror != null) {
            mirror.resigned();
        }
    }

    Controller.@Nullable Beginning beginning() {
        return restoration;
    }

    /** What is to happen to a write between its commit and its acknowledgement. */
    LocalWrites.AfterCommit afterCommit() {
        return mirror != null && mirror.sync() ? new SyncWrites(mirror) : LocalWrites.AfterCommit.NOTHING;
    }

    /** Empty when there is no mirror. */
    Optional<MirrorStatus> status() {
        if (mirror == null) {
            return Optional.empty();
        }
        var status = mirror.status();
        var error = status.error();
        return Optional.of(MirrorStatus.newBuilder()
                .setActive(status.active())
                .setSync(mirror.sync())
                .setCaughtUp(status.caughtUp())
                .setMirroredIndex(Versions.index(status.mirrored()))
                .setLatestIndex(Versions.index(status.last()))
                .setBehindSinceMs(status.behindSinceMs())
                .setLastError(error == null ? "" : error)
                .setErrorSinceMs(status.errorSinceMs())
                .setKeysWritten(status.keysWritten())
                .setBytesWritten(status.bytesWritten())
                .setTransactions(status.transactions())
                .setPutRight(status.putRight())
                .build());
    }

    @Override
    public void close() {
        if (mirror != null) {
            mirror.close();
        }
    }

    private static boolean persistent(Change change) {
        return switch (change) {
            case Change.OfUnit unit -> true;
            case Change.OfMachine machine -> true;
            case Change.OfEvent event -> false;
            case Change.OfMachineGone machine -> true;
            case Change.OfState state -> false;
            case Change.OfStateGone gone -> false;
            case Change.OfDeparture departure -> false;
        };
    }
}
