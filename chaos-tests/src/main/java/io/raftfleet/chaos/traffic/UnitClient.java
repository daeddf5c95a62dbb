package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event.Call;

/** One way to talk to one engine. Safe for use by any thread. */
interface UnitClient {
    /** What histories call the engine. */
    String engine();

    /** Makes a call and waits for its end; never throws for what an engine or the network does. */
    Answer call(Call call);
}
