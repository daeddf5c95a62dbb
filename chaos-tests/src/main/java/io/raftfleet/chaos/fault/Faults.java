package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Namespaces;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All kinds of faults there are, those that can't be injected here too. */
public final class Faults {
    private static final String SEPARATE = "engines share the host's network, file system or clock in this campaign";

    private Faults() {}

    /**
     * What a cluster was built on.
     *
     * @param network its hosts; absent when they share one
     * @param disks of its engines; absent when their data lies on the host's file system
     * @param clocks of its engines; absent when they have the host's
     * @param noNetwork why there is no network, and so on
     */
    public record Ground(
            @Nullable Namespaces network,
            String noNetwork,
            @Nullable Disks disks,
            String noDisks,
            @Nullable Clocks clocks,
            String noClocks) {
        /** Nothing but processes. */
        public static Ground plain() {
            return new Ground(null, SEPARATE, null, SEPARATE, null, SEPARATE);
        }
    }

    /**
     * All sources for a cluster.
     *
     * @param scratch for programs that some faults need
     * @param crashed told of each machine in memory that ends with its agent
     */
    public static List<FaultSource> of(Cluster cluster, Ground ground, Path scratch, Consumer<String> crashed) {
        var targets = new Targets(cluster);
        var all = new ArrayList<FaultSource>();
        all.addAll(new ProcessFaults(targets, crashed).sources());
        var slowNet = new SlowNet(scratch);
        all.addAll(new NetworkFaults(targets, ground.network(), ground.noNetwork(), slowNet).sources());
        all.addAll(new AppendFaults(targets, ground.network(), ground.noNetwork(), slowNet, ground.disks()).sources());
        all.addAll(new DiskFaults(targets, ground.disks(), ground.noDisks()).sources());
        all.addAll(new ClockFaults(targets, ground.clocks(), ground.noClocks()).sources());
        all.addAll(new EtcdFaults(targets).sources());
        return List.copyOf(all);
    }
}
