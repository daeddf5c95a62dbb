package io.raftfleet.engine.sim;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is to be done, and when, in virtual time. Tasks that are ready are run one after the other in an order drawn from the
 * seed; some come late, as on a busy machine. When none is ready time goes on to the next that is not. The order in which tasks of
 * different processes are added makes no difference.
 *
 * <p>Owned by the simulation's thread. A decision thread adds tasks while that one waits for it; the monitor hands over.
 */
final class Agenda {
    private static final long EPOCH_MS = 1_800_000_000_000L;

    /** Something to be done by a process, not before {@code at}. */
    private record Task(SimProcess process, long at, long order, Runnable work) implements Comparable<Task> {
        @Override
        public int compareTo(Task other) {
            if (at != other.at) {
                return Long.compare(at, other.at);
            }
            int byProcess = Integer.compare(process.number(), other.process.number());
            return byProcess != 0 ? byProcess : Long.compare(order, other.order);
        }
    }

    private final SplittableRandom random;
    private final TreeMap<Integer, List<Task>> ready = new TreeMap<>();
    private final PriorityQueue<Task> later = new PriorityQueue<>();
    private final List<Throwable> faults = new ArrayList<>();
    private boolean slowness = true;
    private long now;
    private long trace;

    Agenda(SplittableRandom random) {
        this.random = random;
    }

    /** Virtual time in nanoseconds. */
    synchronized long nanos() {
        return now;
    }

    /** Virtual wall-clock time. */
    long millis() {
        return EPOCH_MS + nanos() / 1_000_000;
    }

    /** The same for two runs in which the same happened at the same times. */
    long trace() {
        return trace;
    }

    /** No task comes late any more. */
    void calm() {
        slowness = false;
    }

    /** What tasks threw. */
    List<Throwable> faults() {
        return faults;
    }

    synchronized void add(SimProcess process, Runnable work) {
        var chance = process.random();
        if (slowness && chance.nextInt(32) == 0) {
            after(process, Duration.ofNanos(chance.nextLong(chance.nextInt(16) == 0 ? 400_000_000 : 10_000_000)), work);
        } else {
            ready(new Task(process, now, process.nextTask(), work));
        }
    }

    /** The same after a while of its own. */
    synchronized void late(SimProcess process, int nanos, Runnable work) {
        after(process, Duration.ofNanos(process.random().nextInt(nanos)), () -> add(process, work));
    }

    synchronized void after(SimProcess process, Duration delay, Runnable work) {
        later.add(new Task(process, now + Math.max(0, delay.toNanos()), process.nextTask(), work));
    }

    private void ready(Task task) {
        ready.computeIfAbsent(task.process().number(), none -> new ArrayList<>())
                .add(task);
    }

    /** The next task; null when nothing is ready before {@code until}, which it is then. */
    private synchronized @Nullable Task next(long until) {
        while (true) {
            if (ready.isEmpty()) {
                var head = later.peek();
                if (head == null || head.at() > until) {
                    now = until;
                    return null;
                }
                now = Math.max(now, head.at());
                ready(later.remove());
            }
            var task = draw();
            if (task.process().pausedUntil() <= now) {
                return task;
            }
            later.add(new Task(task.process(), task.process().pausedUntil(), task.order(), task.work()));
        }
    }

    private Task draw() {
        int which = ready.size() == 1 ? 0 : random.nextInt(ready.size());
        int number = List.copyOf(ready.keySet()).get(which);
        var tasks = ready.getOrDefault(number, List.of());
        var task = tasks.remove(tasks.size() == 1 ? 0 : random.nextInt(tasks.size()));
        if (tasks.isEmpty()) {
            ready.remove(number);
        }
        return task;
    }

    /** Has {@code runner} run all that is to be done in the time to come, a task at a time. */
    void run(Duration time, Consumer<Runnable> runner) {
        long until = nanos() + time.toNanos();
        for (var task = next(until); task != null; task = next(until)) {
            if (!task.process().alive()) {
                continue;
            }
            trace = Long.rotateLeft(trace, 17) * 0x9E3779B97F4A7C15L
                    + now * 31
                    + task.process().number();
            try {
                runner.accept(task.work());
            } catch (RuntimeException | AssertionError e) {
                faults.add(e);
            }
        }
    }
}
