package io.raftfleet.agent.systemd;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This machine's lease from its cluster, as units with {@code Fence=true} need it: until when it is held, noted for the lease
 * unit while there are such units, and what it kept from running. Owned by the manager's thread.
 */
final class MachineLease {
    private static final Logger LOG = LoggerFactory.getLogger(MachineLease.class);

    private final UnitStore store;
    private long until;
    private boolean known;
    private boolean unwritten;

    MachineLease(UnitStore store) {
        this.store = store;
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
     * A start that met the end of the lease is one that the fence stopped.
     *
     * @param result of the start job
     * @return whether it was, and is noted
     */
    boolean keptFromStarting(String unit, String result) {
        try {
            boolean over = result.equals(Orders.DEPENDENCY) && !store.fence().held();
            if (store.isFenced(unit) && (over || result.equals(Orders.CANCELED))) {
                store.fence().mark(unit);
                return true;
            }
        } catch (IOException failed) {
            LOG.warn("{} was not started, and that can't be noted: {}", unit, failed.toString());
        }
        return false;
    }
}
