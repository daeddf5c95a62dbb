package io.raftfleet.chaos.fault;

import java.util.List;
import java.util.Set;

/**
 * One fault that is about to be injected. Begun once, ended once, by one thread; {@link #end} is called also when {@link #begin}
 * failed half way.
 */
public interface Fault {
    /** Hosts that it may cut off or stop, by name. */
    List<String> hosts();

    /** Processes that no other fault may touch meanwhile, by name. */
    Set<String> processes();

    /** For people: what exactly, "leader e2". */
    String detail();

    void begin(Expectation expectation);

    /** Takes it back: what it stopped runs again. */
    void end(Expectation expectation);

    /** Told of what must happen under a fault. */
    @FunctionalInterface
    interface Expectation {
        void tell(String what, boolean met, String evidence);
    }
}
