package io.raftfleet.bench.process;

import io.raftfleet.bench.result.ProcessUse;
import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.Daemon;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster's processes, and this one, use from its making on. A process that was started anew meanwhile counts from that start.
 * Used by one thread.
 */
public final class ProcessMeter {
    /** The system property that names the directory of {@link SafepointLogs}. */
    public static final String SAFEPOINTS = "raftfleet.safepoints";

    private static final double KIB_PER_MIB = 1024;

    private final Cluster cluster;
    private final Instant begin;
    private final @Nullable SafepointLogs safepoints;
    private final Map<Long, Double> before = new HashMap<>();

    private ProcessMeter(Cluster cluster, @Nullable SafepointLogs safepoints) {
        this.cluster = cluster;
        this.safepoints = safepoints;
        this.begin = Instant.now();
        named().values().forEach(pid -> before.put(pid, cpuSeconds(pid)));
    }

    /** Begins. */
    public static ProcessMeter start(Cluster cluster) {
        var logs = System.getProperty(SAFEPOINTS);
        return new ProcessMeter(cluster, logs == null ? null : new SafepointLogs(Path.of(logs)));
    }

    /** What each has used since, engines first, this process last as "client"; those that do not run are left out. */
    public List<ProcessUse> used() {
        var uses = new ArrayList<ProcessUse>();
        named().forEach((name, pid) -> uses.add(new ProcessUse(
                name,
                Math.max(0, cpuSeconds(pid) - before.getOrDefault(pid, 0.0)),
                ProcFiles.kib(read(pid, "smaps_rollup"), "Pss") / KIB_PER_MIB,
                ProcFiles.kib(read(pid, "status"), "VmHWM") / KIB_PER_MIB,
                pause(pid))));
        return uses;
    }

    private @Nullable Double pause(long pid) {
        var logs = safepoints;
        var longest = logs == null ? OptionalDouble.empty() : logs.longest(pid, begin);
        return longest.isPresent() ? longest.getAsDouble() : null;
    }

    /** The longest time for which an engine stood still since, in milliseconds, those that have ended included; empty where nobody knows. */
    public OptionalDouble longestPause() {
        var logs = safepoints;
        return logs == null ? OptionalDouble.empty() : logs.longest(begin);
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
