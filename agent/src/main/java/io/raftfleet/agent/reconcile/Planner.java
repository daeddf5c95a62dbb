package io.raftfleet.agent.reconcile;

import org.jspecify.annotations.Nullable;

/** Which step brings a unit nearer to its order. Looks at nothing but the unit; reads top down like the rules it holds. */
final class Planner {
    /** One step of one unit. */
    enum Step {
        /** As ordered. */
        NONE,
        /** Get its contents from an engine. */
        FETCH,
        STOP,
        /** Take its file away. */
        UNINSTALL,
        /** Put its file in place. */
        INSTALL,
        /** Nothing to do but to note that the order is carried out: it runs already, or is in place and stopped. */
        NOTE,
        /** Note the intent durably, then issue the start job. */
        START,
        /** Say that the machine does not have it any more. */
        REPORT_GONE
    }

    private Planner() {}

    static Step next(ManagedUnit unit, String bootId) {
        if (unit.gone) {
            return Step.NONE;
        }
        if (unit.removing) {
            return remove(unit);
        }
        Order order = unit.order;
        if (order == null || !unit.confirmed) {
            return Step.NONE;
        }
        if (!unit.isInstalled(order.hash())) {
            return replace(unit, order);
        }
        Done done = unit.done;
        if (done != null && done.settles(order, bootId)) {
            return Step.NONE;
        }
        if (!order.launched()) {
            return unit.running() ? Step.STOP : Step.NOTE;
        }
        if (!unit.running() || (done != null && !done.launched())) {
            return Step.START;
        }
        if (done == null && unit.goesDown()) {
            return Step.NONE; // Not worth taking over: it is started once it is down.
        }
        if (!startedForEarlierGeneration(done, order, bootId)) {
            return Step.NOTE;
        }
        // What runs although it was stopped for this order, somebody else has started since: its socket, or who needs
        // it.
        return order.equals(unit.stoppedFor) ? Step.START : Step.STOP;
    }

    private static Step remove(ManagedUnit unit) {
        if (!unit.confirmed) {
            return Step.NONE;
        }
        if (unit.installed == null) {
            return Step.REPORT_GONE; // What runs by that name is the host's.
        }
        return unit.running() ? Step.STOP : Step.UNINSTALL;
    }

    /** Contents are fetched before the old unit is stopped, so that it is away no longer than needed. */
    private static Step replace(ManagedUnit unit, Order order) {
        if (unit.file == null || !unit.file.hash().equals(order.hash())) {
            return Step.FETCH;
        }
        return unit.installed != null && unit.running() ? Step.STOP : Step.INSTALL;
    }

    /** A running unit is taken over unless it is certain that it runs for a start that a later one was ordered after. */
    private static boolean startedForEarlierGeneration(@Nullable Done done, Order order, String bootId) {
        return done != null
                && done.launched()
                && done.bootId().equals(bootId)
                && Long.compareUnsigned(done.generation(), order.generation()) < 0;
    }
}
