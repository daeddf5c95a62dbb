package io.raftfleet.chaos.fault;

import java.util.List;
import java.util.Set;

/** A fault put together from what it does. */
record SimpleFault(List<String> hosts, Set<String> processes, String detail, Action beginning, Action ending)
        implements Fault {
    /** What happens at its beginning or end. */
    interface Action {
        void run(Expectation expectation);
    }

    SimpleFault {
        hosts = List.copyOf(hosts);
        processes = Set.copyOf(processes);
    }

    @Override
    public void begin(Expectation expectation) {
        beginning.run(expectation);
    }

    @Override
    public void end(Expectation expectation) {
        ending.run(expectation);
    }
}
