package io.raftfleet.bench;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.bench.result.Distribution;
import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.WatchRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.Histogram;

/**
 * Starts a unit at each tick of a clock and destroys the one that was started so many ticks before, however long either takes: a start is
 * measured from its tick, also when it was sent later because those before it were slow. One thread ticks, one virtual thread a tick waits,
 * one watches. Guarded by its monitor.
 */
final class ChurnLoad implements AutoCloseable {
    private static final String PREFIX = "churn-";
    /** Calls under way at once; a tick waits for its turn beyond that, and its time runs. */
    private static final int CALLS = 512;

    /** How long the last starts may take. */
    private static final Duration LAST_WAIT = Duration.ofSeconds(30);

    private static final Duration TICK_OF_WATCH = Duration.ofMillis(500);

    private final List<FleetClient> clients;
    private final int standing;
    private final long intervalNanos;
    private final Semaphore calls = new Semaphore(CALLS);
    private final Thread ticking;
    private final Thread watching;
    /** Nothing more is started. */
    private volatile boolean ended;
    /** Nothing more is watched. */
    private volatile boolean over;

    private final AtomicLong failed = new AtomicLong();

    @GuardedBy("this")
    private final Map<String, Long> due = new HashMap<>();

    @GuardedBy("this")
    private final Histogram lately = Distribution.histogram();

    @GuardedBy("this")
    private final Histogram all = Distribution.histogram();

    /**
     * Begins.
     *
     * @param clients which take turns
     * @param standing units that are there at a time
     * @param rate starts a second, and as many destructions
     */
    ChurnLoad(FleetClient watcher, List<FleetClient> clients, int standing, double rate) {
        this.clients = List.copyOf(clients);
        this.standing = standing;
        this.intervalNanos = Math.max(1, (long) (1e9 / rate));
        watching = Thread.ofPlatform().name("churn-watch").start(() -> watch(watcher));
        ticking = Thread.ofPlatform().name("churn-ticks").start(this::tick);
    }

    /** What was started since the last question. */
    synchronized Histogram lately() {
        var copy = lately.copy();
        lately.reset();
        return copy;
    }

    /** All that was started. */
    synchronized Histogram all() {
        return all.copy();
    }

    /** Starts that have not been seen active, by now. */
    synchronized int open() {
        return due.size();
    }

    /** Calls that failed after all retries. */
    long failures() {
        return failed.get();
    }

    /** Ends the ticks, and waits for what is under way. */
    @Override
    public void close() {
        ended = true;
        try {
            ticking.join();
            calls.acquire(CALLS);
            long limit = System.nanoTime() + LAST_WAIT.toNanos();
            while (open() > 0 && System.nanoTime() < limit) {
                TimeUnit.MILLISECONDS.sleep(100);
            }
            over = true;
            watching.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void tick() {
        long begin = System.nanoTime();
        try {
            for (long i = 0; !ended; i++) {
                long at = begin + i * intervalNanos;
                long wait = at - System.nanoTime();
                if (wait > 0) {
                    TimeUnit.NANOSECONDS.sleep(wait);
                }
                calls.acquire();
                long number = i;
                var unused = Thread.startVirtualThread(() -> {
                    try {
                        churn(number, at);
                    } finally {
                        calls.release();
                    }
                });
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void churn(long number, long at) {
        var client = clients.get((int) (number % clients.size()));
        var name = name(number);
        synchronized (this) {
            due.put(name, at);
        }
        try {
            BulkUnits.requireOk(client.createUnits(List.of(BulkUnits.launched(name)), false));
            if (number >= standing) {
                BulkUnits.requireOk(client.destroyUnits(List.of(name(number - standing))));
            }
        } catch (FleetClientException | IllegalStateException e) {
            failed.incrementAndGet();
            Benchmark.say("%s: %s", name, String.valueOf(e.getMessage()));
        }
    }

    private static String name(long number) {
        return PREFIX + number + ".service";
    }

    private void watch(FleetClient client) {
        while (!over) {
            try {
                var states = client.listUnitStates(ListUnitStatesRequest.newBuilder()
                        .addNames(PREFIX + "*")
                        .build());
                states.rows().forEach(state -> seen(state.getName(), state.getActiveState()));
                try (var watch = client.watch(WatchRequest.newBuilder()
                        .setUnitStates(true)
                        .addNames(PREFIX + "*")
                        .setAfter(states.revision())
                        .build())) {
                    follow(watch);
                }
            } catch (CompactedException e) {
                // It fell behind: the list says what was missed.
            } catch (FleetClientException e) {
                Benchmark.say("the watch: %s", String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void follow(Watch watch) throws CompactedException, InterruptedException {
        while (!over) {
            var frame = watch.next(TICK_OF_WATCH);
            if (frame != null) {
                frame.getEventsList()
                        .forEach(event -> seen(
                                event.getUnitState().getName(),
                                event.getUnitState().getActiveState()));
            }
        }
    }

    private synchronized void seen(String name, String active) {
        if (!active.equals("active")) {
            return;
        }
        var at = due.remove(name);
        if (at != null) {
            long passed = System.nanoTime() - at;
            Distribution.record(lately, passed);
            Distribution.record(all, passed);
        }
    }
}
