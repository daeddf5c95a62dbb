package io.raftfleet.engine.control;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What waits for the decision thread, in lanes, so that neither clients nor agents can shut the other out. Bounded in number
 * and in bytes: what finds its lane full is refused with {@code RESOURCE_EXHAUSTED}; what comes while this engine does not lead
 * is abandoned at once. Clients' requests are counted in bytes where they arrive, agents' reports here. Guarded by its own lock.
 */
final class WorkQueue {
    enum Lane {
        CLIENTS(10_000),
        AGENTS(100_000),
        /** What is only to be tried out, each in a turn of its own, when nothing waits to be placed. */
        PLANS(16);

        final int limit;

        Lane(int limit) {
            this.limit = limit;
        }
    }

    /** Of so many bytes of reports it makes no difference how many more could be in their entry. */
    private static final long GATHERED_BYTES = 64 << 10;

    /**
     * So long the work of a lane may take that adds nothing to the entry, as questions do: what was decided goes out then, and what is left is
     * in the next. Otherwise who asks on and on would keep it from ending.
     */
    private static final long MOST_IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final long agentBytes;
    private final LongSupplier nanoClock;
    private final Lock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    @GuardedBy("lock")
    private final Deque<Work> clients = new ArrayDeque<>();

    @GuardedBy("lock")
    private final Deque<Work> agents = new ArrayDeque<>();

    @GuardedBy("lock")
    private final Deque<Work> plans = new ArrayDeque<>();
    /** Of all that waits in {@link #agents}. */
    @GuardedBy("lock")
    private long waitingBytes;
    /** How much waits in {@link #agents}, by how long it may. */
    @GuardedBy("lock")
    private final Map<Urgency, Integer> urgencies = new EnumMap<>(Urgency.class);
    /** Term that this engine leads, 0 for none. */
    @GuardedBy("lock")
    private long leading;

    /** Whether the thread that decides has something to do although this engine does not lead. */
    @GuardedBy("lock")
    private boolean stirred = true;

    /** Of the thread that decides: whether it waits for something here, and how often it has come by. */
    private volatile boolean resting;

    private final AtomicLong visits = new AtomicLong();

    /**
     * @param agentBytes how many bytes of reports may wait; one report may always
     * @param nanoClock says how long it takes to decide
     */
    WorkQueue(long agentBytes, LongSupplier nanoClock) {
        this.agentBytes = agentBytes;
        this.nanoClock = nanoClock;
    }

    void lead(long term) {
        lock.lock();
        try {
            leading = term;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether so much of the agents' waits that each had better send one report at a time. */
    boolean crowded() {
        lock.lock();
        try {
            return waitingBytes > agentBytes / 2 || agents.size() > Lane.AGENTS.limit / 2;
        } finally {
            lock.unlock();
        }
    }

    /** How much waits in a lane. */
    int waiting(Lane lane) {
        lock.lock();
        try {
            return of(lane).size();
        } finally {
            lock.unlock();
        }
    }

    /** Asked by the thread that decides, before each entry. */
    boolean leads(long term) {
        visit();
        lock.lock();
        try {
            return leading == term;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the work waits now; otherwise it has been refused or abandoned. */
    boolean offer(Work work) {
        var lane = work.lane();
        boolean leader;
        int waiting;
        lock.lock();
        try {
            var queue = of(lane);
            leader = leading != 0;
            waiting = queue.size();
            boolean full = waiting >= lane.limit
                    || (work.bytes() > 0 && waitingBytes > 0 && waitingBytes + work.bytes() > agentBytes);
            if (leader && !full) {
                queue.addLast(work);
                count(work, 1);
                changed.signalAll();
                return true;
            }
        } finally {
            lock.unlock();
        }
        if (leader) {
            work.refuse(Status.RESOURCE_EXHAUSTED
                    .withDescription("the leader has " + waiting
                            + " calls waiting, as many as it has room for: try again in a moment")
                    .asRuntimeException());
        } else {
            work.abandon(false, "this engine does not lead");
        }
        return false;
    }

    /**
     * Changes while the thread that decides makes progress: it comes by after each entry, and waits for the log only so long. Negative
     * while it rests, as it waits for a leadership or for work.
     */
    long progress() {
        return resting ? -1 : visits.get();
    }

    /** Takes what the deciding thread does next for rest, as it may take as long as it likes, until it comes by. */
    void rest() {
        visits.incrementAndGet();
        resting = true;
    }

    /** The deciding thread has come by. */
    void visit() {
        visits.incrementAndGet();
        resting = false;
    }

    /** Has {@link #awaitLeadership} return, once. */
    void stir() {
        lock.lock();
        try {
            stirred = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The term that this engine leads, as soon as it does; 0 when it does not, and was stirred. */
    long awaitLeadership() throws InterruptedException {
        rest();
        lock.lockInterruptibly();
        try {
            while (leading == 0 && !stirred) {
                changed.await();
            }
            stirred = false;
            return leading;
        } finally {
            lock.unlock();
            visit();
        }
    }

    /**
     * Waits until there is work, the leadership of {@code term} is over, or so many milliseconds are; for ever when they are
     * 0.
     *
     * @param gatherNanos how long reports alone wait for more, as long as they are few; less or more by their {@link Urgency}
     */
    void awaitWork(long term, long millis, long gatherNanos) throws InterruptedException {
        long begin = System.nanoTime();
        long limit = millis == 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(millis);
        rest();
        lock.lockInterruptibly();
        try {
            while (leading == term && clients.isEmpty() && plans.isEmpty()) {
                if (waitingBytes >= GATHERED_BYTES) {
                    return;
                }
                long until = Math.min(limit, gathering(gatherNanos));
                long left = until - (System.nanoTime() - begin);
                if (left <= 0) {
                    return;
                }
                if (until == Long.MAX_VALUE) {
                    changed.await();
                } else {
                    long unused = changed.awaitNanos(left);
                }
            }
        } finally {
            lock.unlock();
            visit();
        }
    }

    /** Waits so many milliseconds, or until the leadership of {@code term}, 0 for none, is over. */
    void pause(long term, long millis) throws InterruptedException {
        rest();
        lock.lockInterruptibly();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (leading == term && left > 0) {
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
            visit();
        }
    }

    /**
     * Has waiting work decided until the batch is full: agents' up to about half of it, then clients', then what is left of
     * the agents'; of each no more once that takes long and adds nothing. What a work throws passes through; it is the last of
     * {@code decided} then.
     *
     * @param decided gets all that was taken up, in order; what is in the queue no longer
     */
    void decide(Batch batch, Draft draft, long nowMs, List<Work> decided) {
        decide(Lane.AGENTS, batch::halfFull, batch, draft, nowMs, decided);
        decide(Lane.CLIENTS, batch::full, batch, draft, nowMs, decided);
        decide(Lane.AGENTS, batch::full, batch, draft, nowMs, decided);
    }

    private void decide(Lane lane, BooleanSupplier enough, Batch batch, Draft draft, long nowMs, List<Work> decided) {
        long idle = 0;
        long before = nanoClock.getAsLong();
        boolean more = true;
        while (more && idle < MOST_IDLE_NANOS && !enough.getAsBoolean()) {
            int records = batch.records();
            more = decideNext(lane, batch, draft, nowMs, decided);
            long now = nanoClock.getAsLong();
            idle += batch.records() == records ? now - before : 0;
            before = now;
        }
    }

    /** Whether something waits to be tried out. */
    boolean hasPlans() {
        return waiting(Lane.PLANS) > 0;
    }

    /** What has waited longest to be tried out; in the queue no longer. */
    @Nullable
    Work takePlan() {
        lock.lock();
        try {
            return plans.pollFirst();
        } finally {
            lock.unlock();
        }
    }

    /** What still has something to be decided goes on first. */
    void putBack(List<Work> decided) {
        lock.lock();
        try {
            for (var work : decided.reversed()) {
                if (work.open()) {
                    of(work.lane()).addFirst(work);
                    count(work, 1);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    void abandonAll(String reason) {
        var all = new ArrayList<Work>();
        lock.lock();
        try {
            all.addAll(agents);
            all.addAll(clients);
            all.addAll(plans);
            agents.clear();
            clients.clear();
            plans.clear();
            waitingBytes = 0;
            urgencies.clear();
        } finally {
            lock.unlock();
        }
        all.forEach(work -> work.abandon(false, reason));
    }

    /** For how long the most urgent of the agents' may wait. */
    @GuardedBy("lock")
    private long gathering(long gatherNanos) {
        for (var waiting : urgencies.entrySet()) {
            if (waiting.getValue() > 0) {
                return waiting.getKey().limit(gatherNanos);
            }
        }
        return Long.MAX_VALUE;
    }

    /** Something has come to wait, by 1, or waits no longer, by -1. */
    @GuardedBy("lock")
    private void count(Work work, int by) {
        waitingBytes += by * (long) work.bytes();
        if (work.lane() == Lane.AGENTS) {
            urgencies.merge(work.urgency(), by, Integer::sum);
        }
    }

    @GuardedBy("lock")
    private Deque<Work> of(Lane lane) {
        return switch (lane) {
            case CLIENTS -> clients;
            case AGENTS -> agents;
            case PLANS -> plans;
        };
    }

    private boolean decideNext(Lane lane, Batch batch, Draft draft, long nowMs, List<Work> decided) {
        @Nullable Work next;
        lock.lock();
        try {
            next = of(lane).pollFirst();
            if (next != null) {
                count(next, -1);
            }
        } finally {
            lock.unlock();
        }
        if (next == null) {
            return false;
        }
        decided.add(next);
        return next.decide(batch, draft, nowMs);
    }
}
