package io.raftfleet.etcd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the mirror's thread tells others: its status, and that a version is mirrored. Guarded by its own monitor, outside of
 * which futures complete.
 */
final class MirrorMonitor {
    /** More than these need not wait: etcd has been away for long, or is far too slow. */
    private static final int MAX_WAITERS = 1 << 16;

    /** Of who waits for a version; several may. */
    private record Ticket(long version, long number) {}

    private final InstantSource clock;

    @GuardedBy("this")
    private final TreeMap<Ticket, CompletableFuture<Void>> waiters =
            new TreeMap<>(Comparator.comparingLong(Ticket::version).thenComparingLong(Ticket::number));

    @GuardedBy("this")
    private long tickets;

    @GuardedBy("this")
    private boolean active;

    @GuardedBy("this")
    private long mirrored;

    @GuardedBy("this")
    private long last;

    @GuardedBy("this")
    private long covered;

    @GuardedBy("this")
    private long behindSince;

    @GuardedBy("this")
    private @Nullable String error;

    @GuardedBy("this")
    private long errorSince;

    @GuardedBy("this")
    private long keys;

    @GuardedBy("this")
    private long bytes;

    @GuardedBy("this")
    private long transactions;

    @GuardedBy("this")
    private long putRight;

    MirrorMonitor(InstantSource clock) {
        this.clock = clock;
    }

    synchronized MirrorStatus status() {
        return new MirrorStatus(
                active,
                active && error == null && behindSince == 0 && covered != 0,
                mirrored,
                last,
                behindSince,
                error,
                errorSince,
                keys,
                bytes,
                transactions,
                putRight);
    }

    synchronized void active(boolean nowActive) {
        active = nowActive;
        if (!active) {
            error = null;
            errorSince = 0;
            behindSince = 0;
            covered = 0;
            mirrored = 0;
        }
    }

    /** etcd could not be written; the first of several in a row says since when. Returns whether it is another error. */
    synchronized boolean failed(String why, long registry) {
        last = registry;
        boolean other = !why.equals(error);
        if (error == null) {
            errorSince = clock.millis();
        }
        error = why;
        if (behindSince == 0) {
            behindSince = clock.millis();
        }
        return other;
    }

    /** etcd answers. Returns since when it had not, 0 when it had. */
    synchronized long well() {
        long since = errorSince;
        error = null;
        errorSince = 0;
        return since;
    }

    synchronized void behind(long at, long registry) {
        mirrored = at;
        last = registry;
        if (behindSince == 0) {
            behindSince = clock.millis();
        }
    }

    synchronized void wrote(int writtenKeys, long writtenBytes) {
        keys += writtenKeys;
        bytes += writtenBytes;
        transactions++;
    }

    synchronized void putRight(int count) {
        putRight += count;
    }

    /** Everything acknowledged up to {@code asOf} is in etcd, whose latest change has the version {@code at}. */
    void covered(long at, long asOf) {
        List<CompletableFuture<Void>> due;
        synchronized (this) {
            mirrored = at;
            last = at;
            behindSince = 0;
            covered = asOf;
            due = take(waiters.headMap(new Ticket(asOf, Long.MAX_VALUE), true));
        }
        due.forEach(waiter -> waiter.complete(null));
    }

    /** This engine writes the mirror no longer: who waits for that is to ask the next leader. */
    void resigned() {
        List<CompletableFuture<Void>> due;
        synchronized (this) {
            due = take(waiters);
        }
        due.forEach(waiter -> waiter.completeExceptionally(new ResignedException()));
    }

    /**
     * Completes once all up to a version is in etcd. Fails with {@link java.util.concurrent.TimeoutException} after {@code
     * patience}, and at once when too many wait already.
     */
    CompletableFuture<Void> await(long version, Duration patience) {
        var waiter = new CompletableFuture<Void>();
        Ticket ticket;
        synchronized (this) {
            if (covered >= version) {
                return CompletableFuture.completedFuture(null);
            }
            if (waiters.size() >= MAX_WAITERS) {
                return CompletableFuture.failedFuture(
                        new IllegalStateException(MAX_WAITERS + " writes wait for etcd already"));
            }
            ticket = new Ticket(version, ++tickets);
            waiters.put(ticket, waiter);
        }
        return waiter.orTimeout(patience.toNanos(), TimeUnit.NANOSECONDS).whenComplete((done, failure) -> {
            if (failure != null) {
                forget(ticket);
            }
        });
    }

    private synchronized void forget(Ticket ticket) {
        waiters.remove(ticket);
    }

    private static List<CompletableFuture<Void>> take(Map<Ticket, CompletableFuture<Void>> some) {
        var taken = new ArrayList<>(some.values());
        some.clear();
        return taken;
    }
}
