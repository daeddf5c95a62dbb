package io.raftfleet.bench;

import java.util.Arrays;
import java.util.Collection;

/** Nearest-rank percentiles: each is a value that was measured. */
final class Percentiles {
    private Percentiles() {}

    /**
     * In milliseconds.
     *
     * @param sorted nanoseconds, at least one, ascending
     */
    static double millis(long[] sorted, int percent) {
        return nanos(sorted, percent) / 1e6;
    }

    /** As {@link #millis}, in nanoseconds. */
    static long nanos(long[] sorted, int percent) {
        return sorted[Math.max(0, (int) Math.ceil(sorted.length * percent / 100.0) - 1)];
    }

    /** Those that reports quote, of nanoseconds in any order. */
    static String summary(Collection<Long> nanos) {
        if (nanos.isEmpty()) {
            return "none";
        }
        long[] sorted = nanos.stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(sorted);
        return "p50 %.0f ms, p90 %.0f ms, p99 %.0f ms, max %.0f ms"
                .formatted(millis(sorted, 50), millis(sorted, 90), millis(sorted, 99), millis(sorted, 100));
    }
}
