package io.raftfleet.bench;

import io.raftfleet.bench.result.Findings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Takes the leader away without a word: until the first write, and until all agents are back. Starts a cluster of its own. */
@Command(name = "failover", description = "How long a leader that is gone is felt, and what it loses.")
final class FailoverCommand extends Benchmark {
    /** How the leader goes. */
    enum How {
        /** Killed. */
        KILL,
        /** Stands still, with its connections open. */
        PAUSE
    }

    @Option(names = "--fault", description = "${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
    How fault = How.KILL;

    @Mixin
    final LeaderChangeOptions changes = new LeaderChangeOptions();

    FailoverCommand() {
        super(500, 5);
    }

    @Override
    void measure(Findings findings) {
        changes.run(LeaderChanges.Fault.valueOf(fault.name()), options, findings);
    }
}
