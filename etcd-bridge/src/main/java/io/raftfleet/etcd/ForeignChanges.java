package io.raftfleet.etcd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Hears what happens to the mirror's keys, and remembers those that may have been changed by others: a change that did not
 * move the watermark, or that this engine does not know to be its own. Bounded: when there are too many, all keys are
 * suspect, as they are at first: nobody heard what happened before. Told by etcd's threads, read by the mirror's; its own
 * monitor guards it.
 */
final class ForeignChanges implements Watch.Listener {
    private static final int MAX_SUSPECTS = 1024;

    private final Keys keys;
    private final Runnable wake;
    /** Keys by etcd's revision of their latest change. */
    @GuardedBy("this")
    private final Map<String, Long> suspects = new LinkedHashMap<>();

    @GuardedBy("this")
    private boolean everything = true;

    @GuardedBy("this")
    private @Nullable Throwable failure;

    @GuardedBy("this")
    private boolean closed;

    ForeignChanges(Keys keys, Runnable wake) {
        this.keys = keys;
        this.wake = wake;
    }

    @Override
    public void onNext(WatchResponse response) {
        boolean found = false;
        synchronized (this) {
            var byRevision = new LinkedHashMap<Long, List<String>>();
            for (WatchEvent event : response.getEvents()) {
                var entry = event.getKeyValue();
                byRevision
                        .computeIfAbsent(entry.getModRevision(), r -> new ArrayList<>())
                        .add(entry.getKey().toString(StandardCharsets.UTF_8));
            }
            for (var change : byRevision.entrySet()) {
                boolean ours = change.getValue().contains(keys.watermark());
                for (String key : ours ? List.of(keys.watermark()) : change.getValue()) {
                    suspects.put(key, change.getKey());
                    found |= !ours;
                }
            }
            if (suspects.size() > MAX_SUSPECTS) {
                suspects.clear();
                everything = true;
            }
            found &= !closed;
        }
        if (found) {
            wake.run();
        }
    }

    @Override
    public void onError(Throwable cause) {
        synchronized (this) {
            if (closed) {
                return;
            }
            failure = cause;
        }
        wake.run();
    }

    @Override
    public void onCompleted() {
        onError(new IllegalStateException("etcd ended the watch"));
    }

    /** Keys that somebody may have changed after {@code ownRevision}'s transaction or before it, but not in it. */
    synchronized Map<String, Long> take() {
        var taken = new LinkedHashMap<>(suspects);
        suspects.clear();
        return taken;
    }

    synchronized boolean takeEverything() {
        boolean all = everything;
        everything = false;
        return all;
    }

    synchronized boolean waiting() {
        return everything
                || failure != null
                || suspects.keySet().stream().anyMatch(key -> !key.equals(keys.watermark()));
    }

    /** Why the watch ended; null while it goes on. */
    synchronized @Nullable Throwable failure() {
        return failure;
    }

    /** Nobody reads it any more: whatever its watch still tells, how it ends above all, wakes nobody. */
    synchronized void close() {
        closed = true;
    }
}
