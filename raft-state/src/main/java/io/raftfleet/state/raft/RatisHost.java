package io.raftfleet.state.raft;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Ratis server that is open. Ratis' log takes nothing more once a write to it has failed; when it failed for want of space this
 * closes the server, waits for space, and opens another on the same files, as a start of the process would. The registry in memory
 * stays: all that it has applied had been synced to this engine's log before ({@code RaftLogBase.updateCommitIndex} in Ratis' source).
 * Any other failure of the log ends the engine: a disk that loses writes is not asked again.
 *
 * <p>{@code current} is written by the thread that opens: the caller of {@link #open}, later the recovery's, of which there is one at
 * most.
 */
final class RatisHost implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RatisHost.class);
    private static final Duration FIRST_LOOK = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final Duration END = Duration.ofSeconds(20);

    /** What the host does not know. */
    interface Opener {
        /** Makes a server that does not yet take part. */
        RatisServer create() throws IOException;

        /** It takes part from here on. */
        void start(RatisServer server) throws IOException;

        /** The server's log has failed, or it could not start, and it is about to be closed. */
        void leaving(RatisServer server);
    }

    private final String engineId;
    private final DiskSpace space;
    private final Opener opener;
    private final Consumer<IOException> fatal;
    private final AtomicBoolean recovering = new AtomicBoolean();
    private volatile @Nullable RatisServer current;
    private volatile @Nullable Thread recovery;
    private volatile boolean closed;

    /** @param fatal told when the engine can't go on */
    RatisHost(String engineId, DiskSpace space, Opener opener, Consumer<IOException> fatal) {
        this.engineId = engineId;
        this.space = space;
        this.opener = opener;
        this.fatal = fatal;
    }

    /** The server, or null before it is open and while there is no space for its log. */
    @Nullable
    RatisServer current() {
        return current;
    }

    /** Whether the engine takes no part in the group until its disk has space. */
    boolean recovering() {
        return recovering.get();
    }

    void open() throws IOException {
        RatisServer server = opener.create();
        current = server;
        try {
            opener.start(server);
        } catch (IOException | RuntimeException e) {
            opener.leaving(server);
            current = null;
            server.close();
            throw e;
        }
    }

    /** A write to the log failed. Returns at once. */
    void logFailed(Throwable cause) {
        if (closed || !recovering.compareAndSet(false, true)) {
            return;
        }
        if (!space.isExhausted(cause)) {
            fatal.accept(new IOException(
                    "The log of engine '" + engineId + "' can't be written (" + cause.getMessage()
                            + "): what it holds is uncertain. Check the disk; then start the engine again.",
                    cause));
            return;
        }
        Thread thread =
                Thread.ofPlatform().daemon().name("raft-recovery-" + engineId).unstarted(this::recover);
        recovery = thread;
        thread.start();
    }

    private void recover() {
        LOG.error(
                "The log of engine {} could not be written: the disk is full. The engine takes no part until there is space, then"
                        + " goes on by itself; the others go on without it",
                engineId);
        RatisServer failed = current;
        if (failed != null) {
            opener.leaving(failed);
            current = null;
            if (!ended(failed)) {
                return;
            }
        }
        Duration pause = FIRST_LOOK;
        try {
            while (!closed) {
                rest(pause);
                pause = min(pause.multipliedBy(2), LONGEST_PAUSE);
                if (!space.isLow() && reopened()) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closing
        }
    }

    /** Nothing may be opened beside a server that does not end: then the process has to. */
    private boolean ended(RatisServer failed) {
        Thread closing =
                Thread.ofPlatform().daemon().name("raft-close-" + engineId).start(failed::close);
        try {
            if (closing.join(END)) {
                return true;
            }
            fatal.accept(new IOException(
                    "Engine '" + engineId + "' can't leave its group after its disk was full: its server does"
                            + " not end within " + END.toSeconds() + " s. Start the engine again."));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // closing
        }
        return false;
    }

    private boolean reopened() {
        try {
            open();
        } catch (IOException | RuntimeException e) {
            if (closed) {
                return true;
            }
            if (space.isExhausted(e)) {
                LOG.warn(
                        "The log of engine {} could not be opened again yet: {}",
                        engineId,
                        String.valueOf(e.getMessage()));
                return false;
            }
            fatal.accept(e instanceof IOException io ? io : new IOException("The log could not be opened again", e));
            return true;
        }
        recovering.set(false);
        LOG.info("The disk of engine {} has space again: the engine takes part again", engineId);
        return true;
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) <= 0 ? a : b;
    }

    /** Half of it random, so that engines on one full disk don't fill it in step. */
    private static void rest(Duration pause) throws InterruptedException {
        long half = pause.toNanos() / 2;
        TimeUnit.NANOSECONDS.sleep(half + ThreadLocalRandom.current().nextLong(half));
    }

    @Override
    public void close() {
        closed = true;
        Thread thread = recovery;
        if (thread != null) {
            thread.interrupt();
            try {
                thread.join(END);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        RatisServer server = current;
        if (server != null) {
            server.close();
        }
    }
}
