package io.raftfleet.bench;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.etcd.testing.SlowProxy;
import io.raftfleet.proto.cluster.MirrorStatus;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Three engines and machines in memory, with an etcd that can be slow or down. Used by one thread. */
final class EtcdCluster implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration STATUS_LIMIT = Duration.ofSeconds(5);

    private final Path dir;
    private final EtcdServer etcd;
    private final SlowProxy proxy;
    private final Cluster cluster;
    private boolean down;

    EtcdCluster(String name, int machines) throws IOException {
        dir = Files.createTempDirectory("fleet-etcd");
        etcd = EtcdServer.start(dir);
        proxy = new SlowProxy(etcd.port());
        boolean up = false;
        try {
            cluster = Cluster.start(ClusterOptions.of(name)
                    .with(AgentSpec.hollow("hollow", machines))
                    .withSetting("etcd_servers", proxy.url().toString()));
            up = true;
        } finally {
            if (!up) {
                closeEtcd();
            }
        }
    }

    Cluster cluster() {
        return cluster;
    }

    EtcdServer etcd() {
        return etcd;
    }

    /** Addresses of the engines' HTTP API. */
    List<String> http() {
        return cluster.engines().stream()
                .map(engine -> engine.addresses().http())
                .toList();
    }

    StartRound starts(int clients) {
        return StartRound.overHttp(cluster.client(), http(), clients);
    }

    /** etcd answers as fast as it can, and the mirror has caught up. */
    void healthy() {
        proxy.delay(0);
        if (down) {
            etcd.run();
            etcd.awaitReady();
            down = false;
        }
        awaitMirrored();
    }

    /** Each call takes this much longer. */
    void slow(Duration aCall) {
        healthy();
        proxy.delay(aCall.toMillis() / 2);
    }

    /** etcd is no more, and the leader knows. */
    void down() {
        healthy();
        etcd.kill();
        down = true;
    }

    void awaitMirrored() {
        Await.until("the mirror has caught up", LIMIT, () -> writer().getCaughtUp());
    }

    private MirrorStatus writer() {
        for (EngineNode engine : cluster.engines()) {
            try {
                var mirror = engine.status(STATUS_LIMIT).getMirror();
                if (mirror.getActive()) {
                    return mirror;
                }
            } catch (StatusRuntimeException e) {
                // It is being replaced: asked again.
            }
        }
        throw new IllegalStateException("no engine writes the mirror");
    }

    /** Destroys units, and waits until no machine has any. */
    void clear(List<String> names) {
        cluster.client().destroyUnits(names);
        var all = ListUnitStatesRequest.getDefaultInstance();
        Await.until(
                "all units are gone",
                LIMIT,
                () -> cluster.client().listUnitStates(all).rows().isEmpty());
    }

    @Override
    public void close() {
        cluster.close();
        closeEtcd();
    }

    private void closeEtcd() {
        try {
            proxy.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            etcd.close();
            var unused = Commands.run("rm", "-rf", dir.toString());
        }
    }
}
