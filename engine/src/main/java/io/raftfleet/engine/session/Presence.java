package io.raftfleet.engine.session;

import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Which machines have been here for a while, by this engine's own clock, whoever led. A machine that came a moment ago and fell silent
 * says nothing about its leader. Thread-safe: a concurrent map, which the thread that applies writes.
 */
final class Presence implements Registry.Listener {
    /** Whoever was heard for so long is no newcomer. */
    private static final long LONG_NANOS = Duration.ofMinutes(10).toNanos();

    private final LongSupplier nanoClock;
    private final long start;
    /** Of machines that came, or came back, since this engine began to look. */
    private final Map<String, Long> since = new ConcurrentHashMap<>();

    Presence(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.start = nanoClock.getAsLong();
    }

    @Override
    public void applied(Registry.Applied applied) {
        for (var change : applied.changes()) {
            if (change instanceof Change.OfMachine machine) {
                var before = machine.before();
                boolean was = before != null && before.present();
                if (!machine.after().present()) {
                    since.remove(machine.after().id());
                } else if (!was) {
                    since.put(machine.after().id(), nanoClock.getAsLong());
                }
            }
        }
    }

    /**
     * Whether a machine that was heard last at {@code heardAt} had been here for ten minutes by then; in an engine's first minutes, for
     * half the time that there was to be seen.
     */
    boolean isSettled(String machineId, long heardAt) {
        return heardAt - since.getOrDefault(machineId, start) >= awhile(heardAt);
    }

    /** How many have come a moment ago. Looks at every machine that came since this engine began to look. */
    int newcomers() {
        long now = nanoClock.getAsLong();
        long awhile = awhile(now);
        return (int) since.values().stream().filter(came -> now - came < awhile).count();
    }

    private long awhile(long now) {
        return Math.min(LONG_NANOS, (now - start) / 2);
    }
}
