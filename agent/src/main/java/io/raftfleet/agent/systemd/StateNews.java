package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManager.Listener;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the listener what has changed in the {@link StateTable}, on the manager's thread, many changes at once. */
final class StateNews {
    private static final Logger LOG = LoggerFactory.getLogger(StateNews.class);

    private final StateTable table;
    private final ManagerThread thread;
    private final AtomicBoolean due = new AtomicBoolean();
    private volatile @Nullable Listener listener;

    StateNews(StateTable table, ManagerThread thread) {
        this.table = table;
        this.thread = thread;
    }

    void subscribe(Listener newListener) {
        listener = newListener;
    }

    /** From any thread. */
    void tellSoon() {
        if (due.compareAndSet(false, true)) {
            thread.news(this::tell);
        }
    }

    /** On the manager's thread. */
    void tell() {
        due.set(false);
        Listener target = listener;
        if (target != null) {
            table.drain().forEach((name, state) -> call(() -> target.changed(name, state)));
        }
    }

    /** On the manager's thread: all changes there are, then that a start is over. */
    void startEnded(String unit) {
        tell();
        Listener target = listener;
        if (target != null) {
            call(() -> target.startEnded(unit));
        }
    }

    /** On the manager's thread: all states there are. */
    void tellAll() {
        Listener target = listener;
        if (target != null) {
            call(() -> target.relisted(table.drainAll()));
        }
    }

    private static void call(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException bug) {
            LOG.error("the listener of unit states failed; it misses a state", bug);
        }
    }
}
