package io.raftfleet.chaos.mirror;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.client.FleetClient;
import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.etcd.testing.SlowProxy;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.MachinePatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Takes the leader away while it writes the mirror under load, and compares the mirror with the registry afterwards, key by
 * key, along with the history of the watermark. Used by one thread.
 */
public final class MirrorFailovers implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration STATUS_LIMIT = Duration.ofSeconds(2);
    /** Held back on the way to etcd and on the way back, so that a catch-up of several transactions takes a while. */
    private static final int ETCD_DELAY_MS = 10;

    /** How the leader goes. */
    public enum Fault {
        /** SIGKILL. */
        KILL,
        /** SIGSTOP; it goes on, and believes that it leads, once its successor has written the mirror. */
        PAUSE
    }

    /**
     * What a round showed.
     *
     * @param keys that were compared
     * @param takenOverMs from the fault to the first transaction of the next leader
     * @param writes that the load was answered
     * @param failures of the load
     */
    public record Outcome(Fault fault, int keys, long takenOverMs, long writes, long failures) {
        @Override
        public String toString() {
            return "leader %s: %d keys equal; the next one wrote the mirror after %d ms; %d batches written, %d failed"
                    .formatted(fault == Fault.KILL ? "killed" : "paused", keys, takenOverMs, writes, failures);
        }
    }

    private final EtcdServer etcd;
    private final SlowProxy proxy;
    private final WatermarkHistory history;
    private final Cluster cluster;
    private final int clients;
    private final long seed;
    private int rounds;

    /**
     * Starts an etcd, and three engines with machines in memory.
     *
     * @param dir for etcd's data
     */
    public MirrorFailovers(Path dir, int clients, long seed) {
        this.clients = clients;
        this.seed = seed;
        etcd = EtcdServer.start(dir);
        proxy = new SlowProxy(etcd.port());
        proxy.delay(ETCD_DELAY_MS);
        history = new WatermarkHistory(etcd);
        boolean up = false;
        try {
            cluster = Cluster.start(ClusterOptions.of("mirror-failovers")
                    .with(AgentSpec.hollow("hollow", 4))
                    .withSetting("etcd_servers", proxy.url().toString()));
            up = true;
        } finally {
            if (!up) {
                closeEtcd();
            }
        }
    }

    public WatermarkHistory history() {
        return history;
    }

    /**
     * One round; the cluster is whole afterwards.
     *
     * @throws IllegalStateException when the mirror differs from the registry, or the watermark's history is not as it must be
     */
    public Outcome round(Fault fault) {
        rounds++;
        var leader = cluster.awaitLeader(LIMIT);
        var others = cluster.client(cluster.followersOf(leader));
        var machine = cluster.agents().getFirst().machineIds().getFirst();
        long takenOver;
        long writes;
        long failures;
        try (var load = new MirrorLoad(others, machine, clients, seed + 1000L * rounds)) {
            awaitMore(load);
            long term = awaitMidMirror(leader);
            long begin = System.nanoTime();
            take(leader, fault);
            Await.until("the next leader has written the mirror", LIMIT, () -> history.term() > term);
            takenOver = Duration.ofNanos(System.nanoTime() - begin).toMillis();
            awaitMore(load);
            bringBack(leader, fault, term);
            awaitMore(load);
            writes = load.writes();
            failures = load.failures();
        }
        return new Outcome(fault, compare(machine), takenOver, writes, failures);
    }

    private static void awaitMore(MirrorLoad load) {
        long enough = load.writes() + 20;
        Await.until("clients write", LIMIT, () -> load.writes() >= enough);
    }

    /** Waits until the leader is writing the mirror, with more to write; its term. */
    private static long awaitMidMirror(EngineNode leader) {
        return Await.get("the leader is behind with the mirror", LIMIT, () -> {
            var status = leader.status(STATUS_LIMIT);
            var mirror = status.getMirror();
            return mirror.getActive() && !mirror.getCaughtUp() && mirror.getTransactions() > 0
                    ? Optional.of(status.getTerm())
                    : Optional.empty();
        });
    }

    private static void take(EngineNode leader, Fault fault) {
        switch (fault) {
            case KILL -> leader.kill();
            case PAUSE -> leader.daemon().pause();
        }
    }

    private static void bringBack(EngineNode leader, Fault fault, long oldTerm) {
        switch (fault) {
            case KILL -> leader.start();
            case PAUSE -> leader.daemon().resume();
        }
        Await.until(
                "the engine that led knows that its term is over",
                LIMIT,
                () -> leader.status(STATUS_LIMIT).getTerm() > oldTerm);
    }

    /** The number of keys, which are equal. */
    private int compare(String machine) {
        cluster.awaitEqual(LIMIT);
        var client = cluster.client();
        setMetadata(client, machine, "round" + rounds);
        var metadata = Map.of(machine, Map.of(MirrorLoad.METADATA_KEY, "round" + rounds));
        int keys = Await.get("the mirror equals the registry", LIMIT, () -> {
            var actual = MirrorKeys.actual(etcd);
            var differences = MirrorKeys.differences(MirrorKeys.expected(client, metadata), actual);
            if (!differences.isEmpty()) {
                throw new IllegalStateException(differences.size() + " keys differ: "
                        + differences.stream().limit(5).toList());
            }
            return Optional.of(actual.size());
        });
        long revision = etcd.revision();
        Await.until("the whole history has been looked at", LIMIT, () -> history.revision() >= revision);
        if (!history.violations().isEmpty()) {
            throw new IllegalStateException("the mirror was written as it must not be: " + history.violations());
        }
        return keys;
    }

    private static void setMetadata(FleetClient client, String machine, String value) {
        var result = client.patchMachines(List.of(MachinePatch.newBuilder()
                        .setMachineId(machine)
                        .setKey(MirrorLoad.METADATA_KEY)
                        .setValue(value)
                        .build()))
                .results()
                .getFirst();
        if (result.getCode() != ItemCode.ITEM_CODE_OK) {
            throw new IllegalStateException("metadata of machine " + machine + " can't be set: " + result);
        }
    }

    @Override
    public void close() {
        cluster.close();
        closeEtcd();
    }

    private void closeEtcd() {
        history.close();
        try {
            proxy.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            etcd.close();
        }
    }
}
