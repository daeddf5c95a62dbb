package io.raftfleet.engine.control;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decisions that failed by a fault of the engine's own: says so in the log, not more than once in some seconds, and has what
 * fails again and again, and is nobody's request, wait longer and longer. Owned by the decision thread.
 */
final class Faults {
    private static final Logger log = LoggerFactory.getLogger(Faults.class);
    private static final Duration QUIET = Duration.ofSeconds(10);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
    private static final int LONGEST_SHIFT = 9;

    private final String engineId;
    private long silentUntil;
    private boolean said;
    private int suppressed;
    private int inARow;
    private long pausedUntil;

    Faults(String engineId) {
        this.engineId = engineId;
    }

    /** One request failed: it is refused, all others go on. */
    void of(Work work, Throwable cause) {
        if (cause instanceof Batch.TooLargeException) {
            log.warn("engine {} refuses {}: {}", engineId, work.describe(), cause.getMessage());
        } else {
            say("deciding " + work.describe() + " failed; it is refused, and all else goes on", cause);
        }
    }

    /** Placing units failed: it is tried again after a pause, and what clients and agents ask for goes on meanwhile. */
    void ofPlacing(Throwable cause) {
        say("placing units failed; it is tried again", cause);
        pausedUntil = System.nanoTime() + (FIRST_PAUSE.toNanos() << Math.min(inARow++, LONGEST_SHIFT));
    }

    /** Placing units worked. */
    void placed() {
        inARow = 0;
        pausedUntil = 0;
    }

    /** How long no units are to be placed, in milliseconds; 0 when they may be. */
    long pauseMillis() {
        if (inARow == 0) {
            return 0;
        }
        long left = pausedUntil - System.nanoTime();
        return left <= 0 ? 0 : Duration.ofNanos(left).toMillis() + 1;
    }

    void say(String what, Throwable cause) {
        long now = System.nanoTime();
        if (said && now - silentUntil < 0) {
            suppressed++;
            return;
        }
        log.error(
                "engine {}: {}{}",
                engineId,
                what,
                suppressed == 0 ? "" : " (" + suppressed + " more like this were not logged)",
                cause);
        suppressed = 0;
        said = true;
        silentUntil = now + QUIET.toNanos();
    }
}
