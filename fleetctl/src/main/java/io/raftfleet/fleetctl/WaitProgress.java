package io.raftfleet.fleetctl;

import java.util.concurrent.TimeUnit;

/** One line at the bottom of a terminal that counts, rewritten at most ten times a second. Nothing where no person watches. */
final class WaitProgress {
    private static final long REFRESH = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long ASK_AGAIN = TimeUnit.SECONDS.toNanos(1);
    static final String ERASE = "\r\u001b[K";

    private final Terminal terminal;
    private final String word;
    private int total;
    private boolean shown;
    private long last;
    private long asked;

    WaitProgress(Terminal terminal, String word) {
        this.terminal = terminal;
        this.word = word;
    }

    void begin(int units) {
        total = units;
        last = System.nanoTime();
        asked = last - ASK_AGAIN;
    }

    /** Shows how many of all are done. */
    void show(int waiting, int settling) {
        long now = System.nanoTime();
        if (!terminal.interactive() || now - last < REFRESH) {
            return;
        }
        last = now;
        shown = true;
        String starting = settling == 0 ? "" : ", " + settling + " becoming active";
        terminal.err()
                .append(ERASE)
                .append(Integer.toString(total - waiting))
                .append(" of ")
                .append(Integer.toString(total))
                .append(total == 1 ? " unit " : " units ")
                .append(word)
                .append(starting)
                .flush();
    }

    /** Makes room for a line of output. */
    void clear() {
        if (shown) {
            shown = false;
            terminal.err().append(ERASE).flush();
        }
    }

    void end() {
        clear();
    }

    /** At most once a second: whether it is time to list machines again for one that was unknown. */
    boolean mayAskAgain(long now) {
        if (now - asked < ASK_AGAIN) {
            return false;
        }
        asked = now;
        return true;
    }
}
