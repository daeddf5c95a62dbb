package io.raftfleet.fleetctl;

import java.util.concurrent.TimeUnit;

/** Counts, on a {@link ProgressLine}, units that are where they are to be. */
final class WaitProgress {
    private static final long ASK_AGAIN = TimeUnit.SECONDS.toNanos(1);

    private final ProgressLine line;
    private final String word;
    private int total;
    private long asked;

    WaitProgress(Terminal terminal, String word) {
        this.line = new ProgressLine(terminal);
        this.word = word;
    }

    void begin(int units) {
        total = units;
        asked = System.nanoTime() - ASK_AGAIN;
    }

    /** Shows how many of all are done. */
    void show(int waiting, int settling) {
        String starting = settling == 0 ? "" : ", " + settling + " becoming active";
        line.show((total - waiting) + " of " + total + (total == 1 ? " unit " : " units ") + word + starting);
    }

    /** Makes room for a line of output. */
    void clear() {
        line.clear();
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
