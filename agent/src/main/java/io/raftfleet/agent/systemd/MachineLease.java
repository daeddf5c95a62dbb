package io.raftfleet.agent.systemd;

import io.raftfleet.unit.Fence;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This machine's lease from its cluster, as units with {@code Fence=true} need it: until when it is held, noted for the lease
 * unit while there are such units, and what it kept from running. Owned by the manager's thread.
 */
final class MachineLease {
    private static final Logger LOG = LoggerFactory.getLogger(MachineLease.class);

    private final UnitStore store;
    private final Executor thread;
    private long until;
    private boolean known;
    private boolean unwritten;

    MachineLease(UnitStore store, Executor thread) {
        this.store = store;
        this.thread = thread;
    }

    /** The lease is held until that time of {@link System#nanoTime} at least. */
    void renew(long untilNanos) {
        if (!known || untilNanos - until > 0) {
            until = untilNanos;
            known = true;
            write();
        }
    }

    /** Notes the lease again: there may be fenced units now. */
    void write() {
        if (!known || !store.hasFenced()) {
            return;
        }
        try {
            store.fence().renew(until);
            unwritten = false;
        } catch (IOException failed) {
            if (!unwritten) {
                LOG.error(
                        "this machine's lease can't be noted: {}; its units with Fence=true will be stopped",
                        failed.toString());
            }
            unwritten = true;
        }
    }

    /**
     * A start that met the end of the lease is one that the fence stopped. One whose dependencies were not up may have met it
     * while the lease is held again: then the lease's unit tells whether it went down since. One that came to nothing for
     * another reason is none any more.
     *
     * @param result of the start job
     * @param since when the job was asked for, of {@link System#nanoTime}, which on Linux is the clock that systemd has too
     * @param marked called when the unit is noted
     */
    void notStarted(Systemd systemd, String unit, String result, long since, Runnable marked) {
        if (!store.isFenced(unit)) {
            return;
        }
        switch (result) {
            case Orders.CANCELED -> mark(unit, marked);
            case Orders.FAILED -> {} // It has begun, and noted itself what ended it.
            case Orders.DEPENDENCY -> {
                if (held()) {
                    Futures.handle(
                            systemd.endedAt(Fence.LEASE_UNIT),
                            thread,
                            ended -> {
                                if (ended >= TimeUnit.NANOSECONDS.toMicros(since)) {
                                    mark(unit, marked);
                                } else {
                                    unmark(unit);
                                }
                            },
                            failure -> LOG.warn(
                                    "{} was not started, and whether the fence kept it from that can't be told: {}",
                                    unit,
                                    failure.getMessage()));
                } else {
                    mark(unit, marked);
                }
            }
            default -> unmark(unit);
        }
    }

    /** One that can't be read is as good as over. */
    private boolean held() {
        try {
            return store.fence().held();
        } catch (IOException unreadable) {
            LOG.warn("this machine's lease can't be read: {}", unreadable.toString());
            return false;
        }
    }

    private void mark(String unit, Runnable marked) {
        try {
            store.fence().mark(unit);
            marked.run();
        } catch (IOException failed) {
            LOG.warn("{} was not started, and that can't be noted: {}", unit, failed.toString());
        }
    }

    private void unmark(String unit) {
        try {
            store.fence().unmark(unit);
        } catch (IOException failed) {
            LOG.warn(
                    "{} was not started, and that the fence is not the reason can't be noted: {}",
                    unit,
                    failed.toString());
        }
    }
}
