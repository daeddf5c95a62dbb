package io.raftfleet.chaos.traffic;

import java.util.concurrent.TimeUnit;

/** Time between a client's operations. */
final class Pace {
    private Pace() {}

    static void pause(long millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis);
    }
}
