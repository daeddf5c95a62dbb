package io.raftfleet.agent.reconcile;

import io.raftfleet.agent.loop.Backoff;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.manager.UnitManager;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When fenced units may start, and which start again after the fence has stopped them. They start only while the lease is held
 * and on the word of the session that is open: while the lease was not held, the cluster may have started them elsewhere. For
 * the same reason a lease that was over is not taken up before the leader has said what this machine is to run. Owned by the
 * machine's loop.
 */
final class Fences {
    private static final Logger log = LoggerFactory.getLogger(Fences.class);

    /** How many units a line names. */
    private static final int NAMED = 10;

    private final Loop loop;
    private final UnitManager manager;
    private final UnitTable table;
    private final Consumer<ManagedUnit> look;
    /** Between looks after units that went down while the lease was held; grows while the fence is the reason. */
    private final Backoff backoff;

    private boolean everHeld;
    private long until;
    private boolean asking;
    private boolean checkComing;
    private boolean endComing;
    private boolean endTold;

    Fences(Loop loop, UnitManager manager, UnitTable table, Consumer<ManagedUnit> look, Backoff backoff) {
        this.loop = loop;
        this.manager = manager;
        this.table = table;
        this.look = look;
        this.backoff = backoff;
    }

    boolean admits(ManagedUnit unit) {
        return !unit.fenced || (unit.ordered && held());
    }

    private boolean held() {
        return everHeld && until - loop.nanoTime() > 0;
    }

    /**
     * The leader counts this machine as present until then.
     *
     * @param ordersKnown whether it has said in this session what the machine is to run
     */
    void renewed(long newUntil, boolean ordersKnown) {
        if (held()) {
            take(newUntil);
        } else if (ordersKnown && !asking) {
            asking = true;
            loop.whenDone(manager.stoppedByFence(), (stopped, failure) -> {
                asking = false;
                if (failure != null || stopped == null) {
                    log.warn(
                            "the lease is not taken up yet, with the next heartbeat it is tried again: {}",
                            failure == null ? "no answer" : Steps.reason(failure));
                    return;
                }
                take(newUntil);
                backoff.reset();
                again(stopped);
                table.all().stream().filter(unit -> unit.fenced).forEach(look);
                lookSoon(); // One may have ended after the question.
            });
        }
    }

    private void take(long newUntil) {
        until = newUntil;
        everHeld = true;
        manager.renewLease(newUntil);
        if (endTold) {
            endTold = false;
            log.info("this machine's lease is held again: its units with Fence=true may run");
        }
        awaitEnd();
    }

    /** Has the end of the lease told, if there are units that it stops. */
    private void awaitEnd() {
        if (endComing) {
            return;
        }
        endComing = true;
        loop.schedule(Duration.ofNanos(Math.max(0, until - loop.nanoTime())), () -> {
            endComing = false;
            if (held()) {
                awaitEnd();
                return;
            }
            var fenced = table.all().stream()
                    .filter(unit -> unit.fenced)
                    .map(unit -> unit.name)
                    .sorted()
                    .toList();
            if (!fenced.isEmpty()) {
                endTold = true;
                log.warn(
                        "this machine's lease is over, as no leader has confirmed it: systemd stops its {} units with Fence=true, {}{}",
                        fenced.size(),
                        String.join(", ", fenced.subList(0, Math.min(NAMED, fenced.size()))),
                        fenced.size() > NAMED ? ", ..." : "");
            }
        });
    }

    /** A unit was seen not to run. If the fence is the reason although the lease is held, its lease process ended early. */
    void down(ManagedUnit unit) {
        if (unit.fenced && unit.order != null && unit.order.launched()) {
            lookSoon();
        }
    }

    private void lookSoon() {
        if (checkComing || !held()) {
            return;
        }
        checkComing = true;
        loop.schedule(backoff.next(), () -> {
            checkComing = false;
            loop.whenDone(manager.stoppedByFence(), (stopped, failure) -> {
                if (stopped == null || !held()) {
                    return; // With the next lease it is looked at again.
                }
                if (!again(stopped)) {
                    backoff.reset();
                }
            });
        });
    }

    /**
     * Has units start that the fence stopped, and that are to run here; returns whether there are any. One that is still stopping
     * is left until it is down: systemd would count a start that waits for that each time that the stop comes a step further, and
     * with one start too many give the unit up, whether its processes have ended or not.
     */
    private boolean again(Set<String> stopped) {
        boolean any = false;
        for (ManagedUnit unit : table.all()) {
            if (!unit.fenced
                    || unit.busy
                    || unit.startComing
                    || unit.order == null
                    || !unit.order.launched()
                    || unit.done == null
                    || !unit.done.hash().equals(unit.order.hash())
                    || !stopped.contains(unit.name)
                    || unit.observedRunning()) {
                continue;
            }
            log.info("{} was stopped because this machine's lease was over; it starts again", unit.name);
            unit.done = null;
            unit.mayRun = false;
            unit.stopped = true;
            any = true;
            look.accept(unit);
        }
        return any;
    }
}
