package io.raftfleet.identity.tls;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Says each line once a minute at most: what makes a connection fail makes the next one fail, too. Keeps the last
 * {@value #MOST} lines. Thread-safe: guarded by its monitor.
 */
public final class QuietLog {
    static final int MOST = 256;
    private static final long QUIET = TimeUnit.MINUTES.toNanos(1);

    private final Consumer<String> say;
    private final LongSupplier nanoTime;

    @GuardedBy("this")
    private final Map<String, Long> said = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
            return size() > MOST;
        }
    };

    /**
     * One that has said nothing yet.
     *
     * @param nanoTime a clock that never goes back
     */
    public QuietLog(Consumer<String> say, LongSupplier nanoTime) {
        this.say = say;
        this.nanoTime = nanoTime;
    }

    /** Says a line, unless it was said within the last minute. */
    public void say(String line) {
        synchronized (this) {
            long now = nanoTime.getAsLong();
            Long last = said.get(line);
            if (last != null && now - last < QUIET) {
                return;
            }
            said.put(line, now);
        }
        say.accept(line);
    }
}
