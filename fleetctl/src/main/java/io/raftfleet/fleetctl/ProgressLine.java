package io.raftfleet.fleetctl;

import io.raftfleet.unit.SafeText;
import java.util.concurrent.TimeUnit;

/**
 * One line at the bottom of a terminal, rewritten at most ten times a second. Nothing where no person watches. Nothing in it acts on the
 * terminal, nor begins another line: some of it comes from machines. To be used by one thread.
 */
final class ProgressLine {
    private static final long REFRESH = TimeUnit.MILLISECONDS.toNanos(100);
    private static final String ERASE = "\r\u001b[K";

    private final Terminal terminal;
    private boolean shown;
    private long last;

    /** Shows nothing during the first tenth of a second: what is done by then needs no progress. */
    ProgressLine(Terminal terminal) {
        this.terminal = terminal;
        this.last = System.nanoTime();
    }

    void show(String text) {
        long now = System.nanoTime();
        if (!terminal.interactive() || now - last < REFRESH) {
            return;
        }
        last = now;
        shown = true;
        terminal.err().append(ERASE).append(SafeText.escape(text)).flush();
    }

    /** Makes room for a line of output. */
    void clear() {
        if (shown) {
            shown = false;
            terminal.err().append(ERASE).flush();
        }
    }
}
