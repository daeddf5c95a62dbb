package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManagerException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Orders to start and stop units: those that wait, those that systemd has been asked for and not answered, and the jobs
 * that came of them. At most a window of them is asked for at once. Orders reach systemd in the sequence in which they were given.
 *
 * <p>Orders that wait outlive a lost connection. The fate of those asked for is unknown then, and they fail: a unit that ran
 * to its end must not be started again by a repeated call.
 *
 * <p>Owned by the manager's thread.
 */
final class Orders {
    private static final Logger LOG = LoggerFactory.getLogger(Orders.class);
    /** Beyond a unit's own stop time: systemd kills what is left, and waits for it. */
    private static final Duration KILL_TIME = Duration.ofSeconds(10);

    /** Job results that leave nothing to say. {@code systemd.org.freedesktop.systemd1(5)}, "JobRemoved". */
    private static final Set<String> QUIET_RESULTS = Set.of("done", "skipped");

    /** Another order for the unit took the job's place. */
    static final String CANCELED = "canceled";

    /** The unit failed while it started, or had reached the number of starts that it allows itself. */
    static final String FAILED = "failed";

    /** systemd took no job. */
    static final String REFUSED = "refused";

    /** A unit that it needs did not start. */
    static final String DEPENDENCY = "dependency";

    private final SystemdConfig.Timing timing;
    private final ScheduledExecutorService thread;
    private final UnitStore store;
    private final Host host;

    private final Deque<Order> waiting = new ArrayDeque<>();
    private final Set<Order> asked = new HashSet<>();
    private final Map<String, Order> jobs = new HashMap<>();
    /** Results of jobs whose orders are still asked for: a reply may be handled after the signal that follows it. */
    private final Map<String, String> early = new HashMap<>();

    private @Nullable Systemd systemd;
    private boolean closed;

    /** What orders need of their manager. Called on its thread. */
    interface Host {
        /** Tells the listener all changes there are, so that it hears of a unit's end before its order completes. */
        void flush();

        /** A unit did not come up as ordered: look what state it is in, and tell the listener even if that is the old one. */
        void lookAgain(String unit);

        /** A start came to nothing, for this reason of systemd's. It was asked for at {@code since}, in nanoseconds. */
        void notStarted(String unit, String result, long since);
    }

    Orders(SystemdConfig.Timing timing, ScheduledExecutorService thread, UnitStore store, Host host) {
        this.timing = timing;
        this.thread = thread;
        this.store = store;
        this.host = host;
    }

    private static final class Order {
        final boolean start;
        final String unit;
        final CompletableFuture<Void> done;
        boolean retried;
        /** When systemd was asked for it last, of {@link System#nanoTime}. */
        long askedAt;

        @Nullable
        ScheduledFuture<?> deadline;

        Order(boolean start, String unit, CompletableFuture<Void> done) {
            this.start = start;
            this.unit = unit;
            this.done = done;
        }

        void fail(String why) {
            end();
            done.completeExceptionally(new UnitManagerException(message(why)));
        }

        /** Fails without having reached systemd. */
        void failUnasked(String why) {
            end();
            done.completeExceptionally(UnitManagerException.notIssued(message(why)));
        }

        private String message(String why) {
            return unit + " was not " + (start ? "started: " : "stopped: ") + why;
        }

        void succeed() {
            end();
            done.complete(null);
        }

        private void end() {
            if (deadline != null) {
                deadline.cancel(false);
            }
        }
    }

    void start(String unit, CompletableFuture<Void> done) {
        add(new Order(true, unit, done), timing.start());
    }

    void stop(String unit, CompletableFuture<Void> done) {
        add(new Order(false, unit, done), timing.start());
    }

    /** Names of units with orders that systemd has not answered. */
    Set<String> pending() {
        Set<String> units = new HashSet<>();
        asked.forEach(o -> units.add(o.unit));
        waiting.forEach(o -> units.add(o.unit));
        return units;
    }

    void connected(Systemd connection) {
        systemd = connection;
        pump();
    }

    void disconnected(String reason) {
        systemd = null;
        List<Order> unanswered = List.copyOf(asked);
        List<Order> unfinished = List.copyOf(jobs.values());
        asked.clear();
        jobs.clear();
        early.clear();
        String why = "its fate is unknown: " + reason + "; its state is told after the next connection";
        unanswered.forEach(o -> o.fail(why));
        unfinished.forEach(o -> o.fail(why));
    }

    void close() {
        closed = true;
        disconnected("the unit manager was closed");
        waiting.forEach(o -> o.failUnasked("the unit manager was closed"));
        waiting.clear();
    }

    /** A job is over. */
    void jobRemoved(String job, String unit, String result) {
        Order order = jobs.remove(job);
        if (order == null) {
            if (asked.stream().anyMatch(o -> o.unit.equals(unit))) {
                early.put(job, result);
            }
            return;
        }
        boolean good = QUIET_RESULTS.contains(result);
        if (order.start) {
            if (!good) {
                host.notStarted(order.unit, result, order.askedAt);
            }
            if (!good && !result.equals(CANCELED)) {
                LOG.warn("{}: its start job ended as \"{}\": {}", order.unit, result, meaning(result));
                host.lookAgain(order.unit);
            }
        } else if (good) {
            host.flush();
            order.succeed();
        } else {
            order.fail("its stop job ended as \"" + result + "\": " + meaning(result));
        }
    }

    private void add(Order order, Duration patience) {
        if (closed) {
            order.failUnasked("the unit manager is closed");
            return;
        }
        if (waiting.size() >= timing.maxOrders()) {
            order.failUnasked(waiting.size() + " orders are waiting for systemd already; try again later");
            return;
        }
        order.deadline = thread.schedule(() -> expire(order), patience.toMillis(), TimeUnit.MILLISECONDS);
        waiting.add(order);
        pump();
    }

    private void pump() {
        while (systemd != null && asked.size() < timing.window() && !waiting.isEmpty()) {
            ask(systemd, waiting.remove());
        }
    }

    private void ask(Systemd connection, Order order) {
        asked.add(order);
        order.askedAt = System.nanoTime();
        CompletableFuture<String> reply = order.start ? start(connection, order.unit) : connection.stopUnit(order.unit);
        Futures.handle(
                reply,
                thread,
                job -> answered(order, () -> accepted(order, job)),
                failure -> answered(order, () -> refused(order, failure)));
    }

    /**
     * Stops by the fence make for starts that are none of the unit's doing: they are not to use up the number of starts that it
     * allows itself, so what systemd has counted is forgotten first. It handles the two calls in this order.
     */
    private CompletableFuture<String> start(Systemd connection, String unit) {
        if (store.isFenced(unit)) {
            Futures.handle(
                    connection.resetFailed(unit),
                    thread,
                    reset -> {},
                    failure -> LOG.debug("{}: its count of starts was not reset: {}", unit, failure.getMessage()));
        }
        return connection.startUnit(unit);
    }

    /** Nothing happens when the order has failed meanwhile. */
    private void answered(Order order, Runnable consequence) {
        if (asked.remove(order)) {
            consequence.run();
            if (asked.isEmpty()) {
                early.clear();
            }
            pump();
        }
    }

    private void accepted(Order order, String job) {
        jobs.put(job, order);
        if (order.start) {
            order.succeed();
        } else {
            order.end();
            order.deadline = thread.schedule(
                    () -> stopIsLate(order, timing.stop()), timing.stop().toMillis(), TimeUnit.MILLISECONDS);
        }
        String result = early.remove(job);
        if (result != null) {
            jobRemoved(job, order.unit, result);
        }
    }

    private void refused(Order order, Throwable failure) {
        if (failure instanceof BusException error && error.isNoSuchUnit()) {
            if (!order.start) {
                order.succeed(); // What is not loaded does not run.
                return;
            }
            if (!order.retried && store.hashes().containsKey(order.unit)) {
                order.retried = true;
                try {
                    store.touch();
                    waiting.addFirst(order);
                    return;
                } catch (IOException untouchable) {
                    LOG.warn(
                            "{}: systemd does not see its file, and can't be made to look again",
                            order.unit,
                            untouchable);
                }
            }
        }
        order.fail("systemd says: " + failure.getMessage());
        if (order.start) {
            if (failure instanceof BusException error && !error.isFateUnknown()) {
                host.notStarted(order.unit, REFUSED, order.askedAt);
            }
            host.lookAgain(order.unit);
        }
    }

    private void expire(Order order) {
        if (waiting.remove(order)) {
            order.failUnasked("the order waited " + timing.start().toSeconds() + " s for systemd");
        } else if (asked.remove(order)) {
            order.fail("systemd did not answer; its fate is unknown");
            pump();
        }
    }

    /** The unit may have a longer stop time than usual: then that counts. */
    private void stopIsLate(Order order, Duration waited) {
        Systemd connection = systemd;
        if (connection != null && jobs.containsValue(order)) {
            Futures.handle(
                    connection.stopTime(order.unit),
                    thread,
                    limit -> waitLonger(order, waited, limit.orElse(Duration.ZERO)),
                    failure -> waitLonger(order, waited, Duration.ZERO));
        }
    }

    private void waitLonger(Order order, Duration waited, Duration stopTime) {
        Duration allowed = stopTime.plus(KILL_TIME);
        if (!jobs.containsValue(order)) {
            return;
        }
        if (allowed.compareTo(waited) > 0) {
            order.deadline = thread.schedule(
                    () -> stopIsLate(order, allowed), allowed.minus(waited).toMillis(), TimeUnit.MILLISECONDS);
        } else {
            jobs.values().remove(order);
            order.fail("it is still stopping after " + waited.toSeconds()
                    + " s, longer than its TimeoutStopSec=; look at its processes");
        }
    }

    private static String meaning(String result) {
        return switch (result) {
            case CANCELED -> "another job for the unit took its place";
            case "timeout" -> "it took longer than the unit's JobTimeoutSec= or start time";
            case FAILED -> "the unit failed; its journal says why";
            case DEPENDENCY -> "a unit that it requires did not start";
            case "invalid" -> "systemd can't do this to such a unit";
            case "assert" -> "an Assert…= of the unit does not hold";
            case "unsupported" -> "this machine does not support units of this type";
            case "collected" -> "nothing needed the unit any more";
            case "once" -> "the unit may be started only once in a boot";
            default -> "a result that is not known here";
        };
    }
}
