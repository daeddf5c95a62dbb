package io.raftfleet.agent.session;

import java.time.Duration;
import java.util.ArrayDeque;

/**
 * How long the leader certainly counts the machine as present. It lasts one TTL from when the latest acknowledged heartbeat
 * was <em>sent</em>: the engine got it later, so it waits at least as long before it declares the machine lost. Written on
 * the machine's loop, {@link #heldUntil()} may be read by any thread.
 */
public final class Lease {
    /** More heartbeats than this without an answer: the oldest are forgotten, their answers extend nothing. */
    private static final int MAX_UNANSWERED = 256;

    private record Sent(long sequence, long atNanos) {}

    private final ArrayDeque<Sent> unanswered = new ArrayDeque<>();
    private long ttlNanos;
    private long sequence;
    private volatile long heldUntil;
    private volatile boolean everHeld;

    Lease() {}

    /** A new session, whose heartbeats count from 1. A lease that is held stays held. */
    void opened(Duration ttl) {
        ttlNanos = ttl.toNanos();
        sequence = 0;
        unanswered.clear();
    }

    /** A heartbeat is about to be sent; returns its sequence. */
    long sending(long nowNanos) {
        sequence++;
        if (unanswered.size() == MAX_UNANSWERED) {
            unanswered.removeFirst();
        }
        unanswered.addLast(new Sent(sequence, nowNanos));
        return sequence;
    }

    /** The leader has acknowledged all heartbeats up to this one; returns whether the lease lasts longer by that. */
    boolean acknowledged(long upTo) {
        Sent latest = null;
        while (!unanswered.isEmpty() && unanswered.getFirst().sequence <= upTo) {
            latest = unanswered.removeFirst();
        }
        if (latest == null) {
            return false;
        }
        long until = latest.atNanos + ttlNanos;
        boolean longer = !everHeld || until - heldUntil > 0;
        if (longer) {
            heldUntil = until;
            everHeld = true;
        }
        return longer;
    }

    /** Whether a heartbeat was ever acknowledged. */
    public boolean everHeld() {
        return everHeld;
    }

    /** Until when the lease is held, on the loop's clock in nanoseconds; of no meaning when it was never held. */
    public long heldUntil() {
        return heldUntil;
    }

    /** Whether it is held at that moment of the loop's clock. */
    public boolean heldAt(long nanos) {
        return everHeld && heldUntil - nanos > 0;
    }
}
