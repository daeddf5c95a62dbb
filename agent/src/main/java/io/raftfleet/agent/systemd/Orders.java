package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.UnitManagerException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collection;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Orders to start and stop units: those that wait, those that systemd has been asked for and not answered, and the jobs
 * that came of them. At most a window of them is asked for at once. Orders reach systemd in the sequence in which they were given.
 *
 * <p>Orders that wait outlive a lost connection, for as long as one may take to be answered. The fate of those asked for is unknown then, and they fail: a unit that ran
 * to its end must not be started again by a repeated call.
 *
 * <p>Owned by the manager's thread.
 */
final class Orders {
    private static final Logger LOG = LoggerFactory.getLogger(Orders.class);
    /** It was carried out; a unit whose conditions don't hold is left as it was. */
    static final String DONE = "done";

    /** Results of stop jobs that leave nothing to say. {@code org.freedesktop.systemd1(5)}, "JobRemoved". */
    private static final Set<String> STOPPED = Set.of(DONE, "skipped");

    /** Another order for the unit took the job's place. */
    static final String CANCELED = "canceled";

    /** The unit failed while it started, or had reached the number of starts that it allows itself. */
    static final String FAILED = "failed";

    /** It took longer than {@code JobTimeoutSec=}; the unit may come up all the same. */
    static final String TIMEOUT = "timeout";

    /** systemd took no job. */
    static final String REFUSED = "refused";

    /** A unit that it needs did not start. */
    static final String DEPENDENCY = "dependency";

    private static final int MANY = 8;

    private static final String CLOSED = "the unit manager was closed";

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
    /** While there is no connection: ends what waits for one too long. */
    private @Nullable ScheduledFuture<?> patience;

    /** Starts that systemd has refused and whose reason is being looked for, each with what systemd says. */
    private final Map<Order, String> refused = new HashMap<>();

    /** Completes when the last start is answered; null while there may be more. */
    private @Nullable CompletableFuture<Void> lastAnswer;

    /** What orders need of their manager. Called on its thread. */
    interface Host {
        /** Tells the listener all changes there are, so that it hears of a unit's end before its order completes. */
        void flush();

        /** A unit was not started: look what state it is in, and tell the listener even if that is the old one. */
        void lookAgain(String unit);

        /** systemd has taken a job for the unit: what was wrong before does not count any more. */
        void accepted(String unit);

        /** The job of a start is over. */
        void startEnded(String unit, String result, Asked asked);

        /** systemd took no job to start a unit; completes with the reason, without the unit's name. Does not fail. */
        CompletableFuture<String> refusal(String unit, BusException refusal, Asked asked);

        /** Why systemd would start something else in this unit's place, a file of the host's; empty when it would not. */
        String shadowOf(String unit);

        /** A start came to nothing, for this reason of systemd's. It was asked for at {@code since}, in nanoseconds. */
        void notStarted(String unit, String result, long since);
    }

    /**
     * When systemd was asked for something.
     *
     * @param nanos of {@link System#nanoTime}
     * @param time by the wall clock, which the journal has too
     */
    record Asked(long nanos, Instant time) {}

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
        Asked asked = new Asked(System.nanoTime(), Instant.now());

        @Nullable
        ScheduledFuture<?> deadline;

        Order(boolean start, String unit, CompletableFuture<Void> done) {
            this.start = start;
            this.unit = unit;
            this.done = done;
        }

        void fail(String why) {
            end();
            done.completeExceptionally(new UnitManagerException(why));
        }

        /** Fails while nobody knows whether systemd does it. */
        void failUnanswered(String why) {
            end();
            done.completeExceptionally(UnitManagerException.unanswered(why));
        }

        /** Fails without having reached systemd. */
        void failUnasked(String why) {
            end();
            done.completeExceptionally(UnitManagerException.notIssued(why));
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
        add(new Order(true, unit, done));
    }

    void stop(String unit, CompletableFuture<Void> done) {
        add(new Order(false, unit, done));
    }

    /** Whether so many orders wait for systemd that what becomes of one may be told a little later. */
    boolean many() {
        return systemd != null && waiting.size() >= MANY;
    }

    /** Names of units whose starts systemd has not answered. */
    Set<String> pendingStarts() {
        Set<String> units = new HashSet<>();
        Stream.of(asked, waiting)
                .flatMap(Collection::stream)
                .filter(order -> order.start)
                .forEach(order -> units.add(order.unit));
        return units;
    }

    void connected(Systemd connection) {
        systemd = connection;
        if (patience != null) {
            patience.cancel(false);
            patience = null;
        }
        pump();
    }

    void disconnected(String reason) {
        systemd = null;
        List<Order> unanswered = List.copyOf(asked);
        List<Order> unfinished = List.copyOf(jobs.values());
        asked.clear();
        jobs.clear();
        early.clear();
        String why = reason + "; its state is told after the next connection";
        unanswered.forEach(o -> o.failUnanswered(why));
        unfinished.forEach(o -> o.failUnanswered(why));
        waitForConnection();
        tellLastAnswer();
    }

    /**
     * systemd is asked for nothing from now on; what waits fails without having reached it. Completes when it has answered all starts that it
     * was asked for, or the connection is lost.
     */
    CompletableFuture<Void> end() {
        if (lastAnswer != null) {
            return lastAnswer;
        }
        var last = new CompletableFuture<Void>();
        lastAnswer = last;
        waiting.forEach(o -> o.failUnasked(CLOSED));
        waiting.clear();
        if (patience != null) {
            patience.cancel(false);
        }
        tellLastAnswer();
        return last;
    }

    private void tellLastAnswer() {
        if (lastAnswer != null && refused.isEmpty() && asked.stream().noneMatch(order -> order.start)) {
            lastAnswer.complete(null);
        }
    }

    /** Waits for no answer any more. */
    void close() {
        var unused = end();
        disconnected(CLOSED);
        Map<Order, String> unexplained = Map.copyOf(refused);
        refused.clear();
        unexplained.forEach(Order::fail);
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
        if (order.start) {
            if (!STOPPED.contains(result)) {
                host.notStarted(order.unit, result, order.asked.nanos());
            }
            // A stop of ours that took its place is what was ordered last.
            boolean ours = result.equals(CANCELED) && isToStop(order.unit);
            host.startEnded(order.unit, ours ? DONE : result, order.asked);
        } else if (STOPPED.contains(result)) {
            host.flush();
            order.succeed();
        } else {
            order.fail(
                    result.equals(CANCELED)
                            ? "another job for it took the place of its stop"
                            : "its stop job ended as \"" + result + "\"");
        }
    }

    private boolean isToStop(String unit) {
        return Stream.of(asked, waiting, jobs.values())
                .flatMap(Collection::stream)
                .anyMatch(order -> !order.start && order.unit.equals(unit));
    }

    private void add(Order order) {
        if (lastAnswer != null) {
            order.failUnasked(CLOSED);
            return;
        }
        if (waiting.size() >= timing.maxOrders()) {
            order.failUnasked(waiting.size() + " orders are waiting for systemd already; try again later");
            return;
        }
        waiting.add(order);
        waitForConnection();
        pump();
    }

    private void waitForConnection() {
        if (systemd == null && patience == null && !waiting.isEmpty()) {
            patience = thread.schedule(this::waitedTooLong, timing.start().toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void waitedTooLong() {
        patience = null;
        List<Order> unasked = List.copyOf(waiting);
        waiting.clear();
        unasked.forEach(o -> o.failUnasked(
                "there was no connection to systemd for " + timing.start().toSeconds() + " s"));
    }

    private void pump() {
        while (systemd != null && asked.size() < timing.window() && !waiting.isEmpty()) {
            ask(systemd, waiting.remove());
        }
    }

    private void ask(Systemd connection, Order order) {
        String shadow = order.start ? host.shadowOf(order.unit) : "";
        if (!shadow.isEmpty()) {
            order.fail(shadow);
            return;
        }
        asked.add(order);
        order.asked = new Asked(System.nanoTime(), Instant.now());
        order.deadline = thread.schedule(() -> expire(order), timing.start().toMillis(), TimeUnit.MILLISECONDS);
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
            tellLastAnswer();
        }
    }

    private void accepted(Order order, String job) {
        jobs.put(job, order);
        host.accepted(order.unit);
        if (order.start) {
            order.succeed();
        } else {
            order.end();
            lookAtStopLater(job, order);
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
            if (lastAnswer != null && store.hashes().containsKey(order.unit)) {
                order.failUnasked(CLOSED); // It may just not have seen the file.
                return;
            }
            if (!order.retried && store.hashes().containsKey(order.unit)) {
                order.retried = true;
                try {
                    store.touch();
                    order.end();
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
        if (!order.start) {
            order.fail("systemd says: " + failure.getMessage());
        } else if (failure instanceof BusException error && !error.isFateUnknown()) {
            host.notStarted(order.unit, REFUSED, order.asked.nanos());
            order.end();
            String answer = "systemd says: " + failure.getMessage();
            refused.put(order, answer);
            Futures.handle(
                    host.refusal(order.unit, error, order.asked),
                    thread,
                    why -> notTaken(order, why),
                    defect -> notTaken(order, answer));
        } else {
            order.failUnanswered("systemd says: " + failure.getMessage());
            host.lookAgain(order.unit);
        }
    }

    private void notTaken(Order order, String why) {
        if (refused.remove(order) != null) {
            order.fail(why);
            host.lookAgain(order.unit);
            tellLastAnswer();
        }
    }

    private void expire(Order order) {
        if (asked.remove(order)) {
            order.failUnanswered("systemd did not answer");
            pump();
            tellLastAnswer();
        }
    }

    /**
     * A stop takes as long as the unit's stop times allow, each of them once a phase, or for ever: systemd itself ends one that is
     * late. So all that there is to find out is whether the end of the job went unheard.
     */
    private void lookAtStopLater(String job, Order order) {
        order.deadline =
                thread.schedule(() -> lookAtStop(job, order), timing.stop().toMillis(), TimeUnit.MILLISECONDS);
    }

    private void lookAtStop(String job, Order order) {
        Systemd connection = systemd;
        if (connection != null && jobs.get(job) == order) {
            Futures.handle(
                    connection.isJob(job),
                    thread,
                    there -> {
                        if (jobs.get(job) != order) {
                            return;
                        }
                        if (there) {
                            lookAtStopLater(job, order);
                        } else {
                            jobs.remove(job);
                            order.fail("the end of its stop went unheard; it is stopped again");
                        }
                    },
                    failure -> LOG.debug("{}: its stop job can't be looked at: {}", order.unit, failure.getMessage()));
        }
    }
}
