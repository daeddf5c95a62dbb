package io.raftfleet.state.raft;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.metrics.MetricRegistries;
import org.apache.ratis.metrics.RatisMetricRegistry;
import org.apache.ratis.metrics.impl.RatisMetricRegistryImpl;
import org.apache.ratis.thirdparty.com.codahale.metrics.Timer;
import org.jspecify.annotations.Nullable;

/**
 * How long one step of writing the log takes, as Ratis measured it. Times are in seconds, of the last five minutes, in which the latest
 * count most.
 *
 * @param count how often it was done since the engine joined its group
 */
public record LogTimes(long count, double median, double p99) {
    /** Ratis' names of what is told, by ours. */
    private static final Map<String, String> STEPS =
            Map.of("append", "appendEntryLatency", "flush", "flushTime", "queue", "queueingDelay");

    /** What Ratis has measured for this engine's log, by step. */
    static Map<String, LogTimes> of(String engineId) {
        var times = new TreeMap<String, LogTimes>();
        for (var registry : MetricRegistries.global().getMetricRegistries()) {
            var info = registry.getMetricRegistryInfo();
            if (info.getMetricsComponentName().equals("log_worker")
                    && info.getPrefix().startsWith(engineId + "@")) {
                STEPS.forEach((step, name) -> {
                    var timer = timer(registry, name);
                    if (timer != null) {
                        times.put(step, of(timer));
                    }
                });
            }
        }
        return times;
    }

    private static @Nullable Timer timer(RatisMetricRegistry registry, String name) {
        return registry instanceof RatisMetricRegistryImpl known && known.get(name) instanceof Timer timer
                ? timer
                : null;
    }

    private static LogTimes of(Timer timer) {
        var measured = timer.getSnapshot();
        return new LogTimes(timer.getCount(), seconds(measured.getMedian()), seconds(measured.get99thPercentile()));
    }

    private static double seconds(double nanos) {
        return nanos / TimeUnit.SECONDS.toNanos(1);
    }
}
