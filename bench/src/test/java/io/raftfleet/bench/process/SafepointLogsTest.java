package io.raftfleet.bench.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class SafepointLogsTest {
    private static final List<String> LINES = List.of(
            line("2026-01-02T03:04:05.000+0000", 90_000_000),
            line("2026-01-02T03:04:06.000+0000", 4_500_000),
            line("2026-01-02T05:04:07.000+0200", 7_250_000),
            "[2026-01-02T03:04:08.000+0000] Entering safepoint region: Cleanup");

    /** As Java 25 writes it. */
    private static String line(String time, long nanos) {
        return "[" + time
                + "] Safepoint \"G1CollectForAllocation\", Time since last: 37095446 ns, Reaching safepoint: 3839 ns,"
                + " At safepoint: 4667211 ns, Leaving safepoint: 1908 ns, Total: " + nanos
                + " ns, Threads: 0 runnable, 10 total";
    }

    @Test
    void theLongestSinceAnInstantCounts() {
        assertThat(SafepointLogs.longest(LINES, Instant.parse("2026-01-02T03:04:05Z")))
                .hasValue(90);
        assertThat(SafepointLogs.longest(LINES, Instant.parse("2026-01-02T03:04:06Z")))
                .hasValue(7.25);
        assertThat(SafepointLogs.longest(LINES, Instant.parse("2026-01-02T03:04:08Z")))
                .isEmpty();
    }
}
