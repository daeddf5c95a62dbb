package io.raftfleet.bench.process;

import io.raftfleet.bench.result.ProcessUse;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a cluster's processes, and this one, use from its making on. A process that was started anew meanwhile counts from that start.
 * Used by one thread.
 */
public final class ProcessMeter {
    private static final double KIB_PER_MIB = 1024;

    private final Cluster cluster;
    private final Map<Long, Double> before = new HashMap<>();

    private ProcessMeter(Cluster cluster) {
        this.cluster = cluster;
        named().values().forEach(pid -> before.put(pid, cpuSeconds(pid)));
    }

    /** Begins. */
    public static ProcessMeter start(Cluster cluster) {
        return new ProcessMeter(cluster);
    }

    /** What each has used since, engines first, this process last as "client"; those that do not run are left out. */
    public List<ProcessUse> used() {
        var uses = new ArrayList<ProcessUse>();
        named().forEach((name, pid) -> uses.add(new ProcessUse(
                name,
                Math.max(0, cpuSeconds(pid) - before.getOrDefault(pid, 0.0)),
                ProcFiles.kib(read(pid, "smaps_rollup"), "Pss") / KIB_PER_MIB,
                ProcFiles.kib(read(pid, "status"), "VmHWM") / KIB_PER_MIB)));
        return uses;
    }

    /** The processor time of a process since it started, in seconds. */
    public static double cpuSeconds(long pid) {
        return ProcFiles.cpuSeconds(read(pid, "stat"));
    }

    /** The memory of a process, pages that it shares divided by those who share them, in MiB. */
    public static double pssMib(long pid) {
        return ProcFiles.kib(read(pid, "smaps_rollup"), "Pss") / KIB_PER_MIB;
    }

    private Map<String, Long> named() {
        var all = new LinkedHashMap<String, Long>();
        Stream.concat(
                        cluster.engines().stream().map(EngineNode::daemon),
                        cluster.agents().stream().map(AgentNode::daemon))
                .filter(Daemon::running)
                .forEach(daemon -> all.put(daemon.name(), daemon.pid()));
        all.put("client", ProcessHandle.current().pid());
        return all;
    }

    private static String read(long pid, String file) {
        try {
            return ProcFiles.read(Path.of("/proc", Long.toString(pid), file));
        } catch (IOException e) {
            throw new UncheckedIOException("process " + pid + " is gone", e);
        }
    }
}
