package io.raftfleet.bench;

import io.raftfleet.bench.result.Findings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Has the leader hand over while all write: the longest gap between two writes that succeed. Starts a cluster of its own. */
@Command(name = "handover", description = "How long an orderly change of leaders is felt.")
final class HandoverCommand extends Benchmark {
    /** How the leader goes. */
    enum How {
        /** Stopped as by its service. */
        STOP,
        /** Told to hand over, and runs on. */
        TRANSFER
    }

    @Option(names = "--fault", description = "${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
    How fault = How.STOP;

    @Mixin
    final LeaderChangeOptions changes = new LeaderChangeOptions();

    HandoverCommand() {
        super(100, 5);
    }

    @Override
    void measure(Findings findings) {
        changes.run(LeaderChanges.Fault.valueOf(fault.name()), options, findings);
    }
}
