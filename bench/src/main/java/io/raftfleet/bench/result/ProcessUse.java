package io.raftfleet.bench.result;

import org.jspecify.annotations.Nullable;

/**
 * What a process used while it was measured.
 *
 * @param name of the process
 * @param cpuSeconds of all its threads, in user and kernel mode
 * @param pssMib its memory at the end, pages that it shares divided by those who share them, in MiB
 * @param peakMib the most that it ever had in memory, shared pages included, in MiB
 * @param pauseMs the longest time for which its Java machine stood still, in milliseconds; null where nobody knows
 */
public record ProcessUse(
        String name,
        double cpuSeconds,
        double pssMib,
        double peakMib,
        @Nullable Double pauseMs) {}
