package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether there is room for what is to be written. A write to the log that fails for want of space ends Ratis' log for good, so
 * entries are refused before: a leader takes none as long as less than a reserve is free, and a follower none as long as
 * less than a quarter of it is. Between the two is what was under way when the leader's disk filled up. The reserve is for what must still be written: votes,
 * the entries under way, the segment allocated ahead, and checkpoints, which free space.
 *
 * <p>Thread-safe; asks the file system at most every {@value #INTERVAL_MILLIS} ms, when asked itself.
 */
final class DiskSpace {
    private static final Logger LOG = LoggerFactory.getLogger(DiskSpace.class);
    private static final long INTERVAL_MILLIS = 200;

    private final Path dir;
    private final long reserve;
    private final AtomicLong asked = new AtomicLong(System.nanoTime() - INTERVAL_MILLIS * 1_000_000);
    private volatile boolean low;
    private volatile boolean out;

    DiskSpace(Path dir, long reserve) {
        this.dir = dir;
        this.reserve = reserve;
    }

    /** Whether less than the reserve is free. Unknown counts as enough: the write itself will tell. */
    boolean isLow() {
        long before = asked.get();
        long now = System.nanoTime();
        if (now - before >= INTERVAL_MILLIS * 1_000_000 && asked.compareAndSet(before, now)) {
            look();
        }
        return low;
    }

    /** Whether less than a quarter of the reserve is free. */
    boolean isOut() {
        return isLow() && out;
    }

    /** Whether something failed for want of space: by what the system said, or because there is none. */
    boolean isExhausted(@Nullable Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            if (message.contains("No space left on device") || message.contains("Disk quota exceeded")) {
                return true;
            }
        }
        look();
        return low;
    }

    /** For people: how it is and what to do. */
    String complaint() {
        return "The disk of " + dir + " is almost full: less than " + (reserve >> 20)
                + " MiB are free. Nothing is written until there is more; reads go on. Make space: no restart is needed";
    }

    private void look() {
        try {
            long free = Files.getFileStore(dir).getUsableSpace();
            boolean now = free < reserve;
            out = free < reserve / 4;
            if (now != low) {
                low = now;
                if (now) {
                    LOG.error("{}", complaint());
                } else {
                    LOG.info("The disk of {} has space again: writes go on", dir);
                }
            }
        } catch (IOException e) {
            LOG.debug("The free space of {} is unknown", dir, e);
        }
    }
}
