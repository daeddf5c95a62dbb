package io.raftfleet.fleetctl;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.PrintStream;
import java.util.List;

/**
 * The terminal's other screen, as pagers use it: what was on the first one is there again afterwards, also after Ctrl-C. Its lock
 * guards what is written, as the end may come from another thread.
 */
final class Screen implements AutoCloseable {
    private static final String BEGIN = "\u001b[?1049h\u001b[?25l\u001b[?7l";
    private static final String END = "\u001b[?7h\u001b[?25h\u001b[?1049l";
    private static final String HOME = "\u001b[H";
    private static final String CLEAR_LINE = "\u001b[K";
    private static final String CLEAR_BELOW = "\u001b[J";

    private final PrintStream out;
    private final Thread atExit = new Thread(this::end, "screen-end");

    @GuardedBy("this")
    private boolean ended;

    Screen(PrintStream out) {
        this.out = out;
        Runtime.getRuntime().addShutdownHook(atExit);
        write(BEGIN);
    }

    /** Shows these lines, and nothing else. */
    void show(List<String> lines) {
        write(HOME + String.join(CLEAR_LINE + "\r\n", lines) + CLEAR_LINE + CLEAR_BELOW);
    }

    private synchronized void write(String text) {
        if (!ended) {
            out.append(text).flush();
        }
    }

    private synchronized void end() {
        write(END);
        ended = true;
    }

    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // It runs already.
        }
    }
}
