package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;
import java.util.List;
import java.util.function.Consumer;

/** One way to talk to one engine. Safe for use by any thread. */
interface UnitClient {
    /** What histories call the engine. */
    String engine();

    /**
     * Makes calls of one kind in one message and waits for their ends; never throws for what an engine or the network does.
     *
     * @param retried told of each attempt that failed and is made again
     * @return an answer for each
     */
    List<Answer> call(List<Call> calls, Consumer<String> retried);
}
