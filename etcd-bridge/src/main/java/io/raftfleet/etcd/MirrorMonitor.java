package io.raftfleet.etcd;

import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What the mirror's thread tells others: its status, and that a version is mirrored. Guarded by its own monitor. */
final class MirrorMonitor {
    private final InstantSource clock;
    private final TreeMap<Long, CompletableFuture<Void>> waiters = new TreeMap<>();
    private boolean active;
    private long mirrored;
    private long last;
    private long covered;
    private long behindSince;
    private @Nullable String error;
    private long errorSince;
    private long keys;
    private long bytes;
    private long transactions;
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
            var head = waiters.headMap(asOf, true);
            due = new ArrayList<>(head.values());
            head.clear();
        }
        due.forEach(waiter -> waiter.complete(null));
    }

    /** Completes once all up to a version is in etcd. As many futures as versions that are waited for. */
    synchronized CompletableFuture<Void> await(long version) {
        if (covered >= version) {
            return CompletableFuture.completedFuture(null);
        }
        return waiters.computeIfAbsent(version, v -> new CompletableFuture<>());
    }

    /** Nobody waits for this version any more. */
    synchronized void forget(long version) {
        waiters.remove(version);
    }
}
