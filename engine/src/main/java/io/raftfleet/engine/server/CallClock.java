package io.raftfleet.engine.server;

import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;

/**
 * Whether anybody still waits for a call's answer: its client has not cancelled it, and its deadline is not over. To be made
 * where the call begins; then used by one thread at a time.
 */
final class CallClock {
    /** Looks at names between two looks at the clock. */
    static final int EVERY = 1024;

    private final Context caller = Context.current();
    private final long end;
    private int sinceChecked;

    CallClock(Duration deadline) {
        end = System.nanoTime() + deadline.toNanos();
    }

    /** So much work is next: looks at the clock every so often. Fails as {@link #check()} does. */
    void check(int work) {
        sinceChecked += work;
        if (sinceChecked >= EVERY) {
            check();
        }
    }

    /** Fails with {@code CANCELLED} or {@code DEADLINE_EXCEEDED} when nobody waits any more. */
    void check() {
        sinceChecked = 0;
        if (caller.isCancelled()) {
            throw Status.CANCELLED.withDescription("the caller has gone").asRuntimeException();
        }
        if (System.nanoTime() - end > 0) {
            throw Status.DEADLINE_EXCEEDED
                    .withDescription("the call's deadline is over: ask for less, or give it longer")
                    .asRuntimeException();
        }
    }
}
