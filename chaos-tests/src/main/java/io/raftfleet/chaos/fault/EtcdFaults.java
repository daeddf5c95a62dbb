package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.EtcdNode;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/** The etcd that engines mirror their registry to goes away, stands still, or forgets everything. */
final class EtcdFaults {
    private static final String NAME = "etcd";

    private final Targets targets;

    EtcdFaults(Targets targets) {
        this.targets = targets;
    }

    List<FaultSource> sources() {
        var obstacle = EtcdNode.obstacle();
        if (obstacle.isEmpty() && targets.cluster().etcd().isEmpty()) {
            obstacle = "this cluster was made without etcd";
        }
        return List.of(
                new SimpleSource("etcd-kill", obstacle, this::kill),
                new SimpleSource("etcd-pause", obstacle, this::pause),
                new SimpleSource("etcd-wipe", obstacle, this::wipe));
    }

    private Fault kill(RandomGenerator random) {
        var etcd = etcd();
        return fault("SIGKILL etcd", e -> etcd.kill(), e -> etcd.startReady());
    }

    private Fault pause(RandomGenerator random) {
        var etcd = etcd();
        return fault(
                "SIGSTOP etcd", e -> etcd.daemon().pause(), e -> etcd.daemon().resume());
    }

    private Fault wipe(RandomGenerator random) {
        var etcd = etcd();
        return random.nextBoolean()
                ? fault("every key of etcd deleted", e -> etcd.empty(), e -> {})
                : fault("etcd loses its data", e -> etcd.loseData(), e -> etcd.startReady());
    }

    private static Fault fault(String detail, SimpleFault.Action begin, SimpleFault.Action end) {
        return new SimpleFault(List.of(NAME), Set.of(NAME), detail, begin, end);
    }

    private EtcdNode etcd() {
        return targets.cluster()
                .etcd()
                .orElseThrow(() -> new IllegalStateException("this cluster was made without etcd"));
    }
}
