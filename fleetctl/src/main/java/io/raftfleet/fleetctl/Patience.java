package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How long a command waits on while no engine answers: what it waits for is the cluster's, and goes on without it. A leader that is lost, or
 * engines on busy processors, are no reason to say that it failed. To be used by one thread.
 */
final class Patience {
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final Session session;
    private final LongSupplier nanoClock;
    private boolean unanswered;
    private long since;

    Patience(Session session) {
        this(session, System::nanoTime);
    }

    Patience(Session session, LongSupplier nanoClock) {
        this.session = session;
        this.nanoClock = nanoClock;
    }

    /** An engine has answered. */
    void answered() {
        if (unanswered) {
            session.err("An engine answers again");
        }
        unanswered = false;
    }

    /**
     * Pauses after a call that failed, and says so once.
     *
     * @throws FleetClientException the failure, when it won't pass, or none has been answered for a minute
     */
    void bear(FleetClientException failure) throws InterruptedException {
        long now = nanoClock.getAsLong();
        if (!failure.mayPass()) {
            throw failure;
        }
        if (!unanswered) {
            unanswered = true;
            since = now;
            session.err(
                    "Still waiting, for another " + LIMIT.toSeconds() + " s at most, though " + failure.getMessage());
        } else if (now - since >= LIMIT.toNanos()) {
            throw failure;
        }
        Thread.sleep(PAUSE);
    }
}
