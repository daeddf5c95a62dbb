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
    private final long ttlNanos;
    private final long start;
    /** When the first machine came, as far as this engine has seen; until then, when it began to look. */
    private volatile long first;

    private volatile boolean empty;
    /** Of machines that came, or came back, since this engine began to look. */
    private final Map<String, Long> since = new ConcurrentHashMap<>();

    /** @param empty whether no machine is present yet */
    Presence(LongSupplier nanoClock, Duration ttl, boolean empty) {
        this.nanoClock = nanoClock;
        this.ttlNanos = ttl.toNanos();
        this.start = nanoClock.getAsLong();
        this.first = start;
        this.empty = empty;
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
                    long now = nanoClock.getAsLong();
                    if (empty) {
                        first = now;
                        empty = false;
                    }
                    since.put(machine.after().id(), now);
                }
            }
        }
    }

    /**
     * Whether a machine that was heard last at {@code heardAt} had been here for ten minutes by then; in a cluster's first minutes, for
     * a quarter of the time that the first machine had. Within a TTL of the first machine nobody is a newcomer: all have come a moment ago.
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
        long age = now - first;
        return age <= ttlNanos ? 0 : Math.min(LONG_NANOS, age / 4);
    }
}
