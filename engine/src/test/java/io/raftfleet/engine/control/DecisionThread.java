package io.raftfleet.engine.control;

import java.lang.reflect.Field;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A decision thread that goes on only while a simulation lets it: it takes nothing from its queue before all is in it that comes at
 * once, and the simulation goes on when it has done all it can. Uses the queue's own lock for that.
 */
public final class DecisionThread {
    private final Thread thread;
    private final ReentrantLock lock;
    private final Condition changed;
    private final WorkQueue queue;

    public DecisionThread(Controller controller) {
        thread = (Thread) field(Controller.class, "thread", controller);
        queue = (WorkQueue) field(Controller.class, "queue", controller);
        lock = (ReentrantLock) field(WorkQueue.class, "lock", queue);
        changed = (Condition) field(WorkQueue.class, "changed", queue);
    }

    /**
     * Whether it waits for work or for a leadership, and nothing has come since it began to. One that pauses after a fault does not:
     * it goes on by itself, by the real clock. One that does not lead may pause as it likes: what it does then, nobody sees.
     */
    public boolean waits() {
        lock.lock();
        try {
            var state = thread.getState();
            boolean follows =
                    state == Thread.State.TIMED_WAITING && (long) field(WorkQueue.class, "leading", queue) == 0;
            return lock.hasWaiters(changed) && (state == Thread.State.WAITING || follows);
        } finally {
            lock.unlock();
        }
    }

    /** From now on it takes nothing from its queue; the caller's thread may still put something in. */
    public void hold() {
        lock.lock();
    }

    /** It may go on, if it was held by the caller's thread. */
    public void release() {
        while (lock.isHeldByCurrentThread()) {
            lock.unlock();
        }
    }

    private static Object field(Class<?> type, String name, Object of) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(of);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the decision thread's queue has changed", e);
        }
    }
}
