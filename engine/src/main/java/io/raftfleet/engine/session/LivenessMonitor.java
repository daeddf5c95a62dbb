package io.raftfleet.engine.session;

import io.raftfleet.engine.control.Controller;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.unit.Fence;
import io.raftfleet.unit.tasks.Ticker;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has machines that were not heard for their TTL declared lost. When more than a third of the machines that this leader has
 * heard fall silent together, it takes the fault to be its own: it says so, gives them another TTL, and hands leadership
 * over. A machine that a leader has never heard is simply lost after its TTL, so this happens once; and machines that came a moment ago
 * ({@link Presence}) are no witnesses, so that a stranger who lets some come and go moves no leader. Losses are
 * rate-limited, for each makes work for the whole cluster. Fenced units of a machine that is lost are started elsewhere only when that
 * can't run them any more: {@link FenceWaits}. A loss that can't be decided now, because too much waits for the leader, is tried again
 * with the next ticks.
 *
 * <p>Runs on one timer, which owns what state it has.
 */
public final class LivenessMonitor {
    private static final Logger log = LoggerFactory.getLogger(LivenessMonitor.class);
    private static final Duration TICK = Duration.ofMillis(250);
    /** How often an engine that does not lead finds out whether it does now: none of its machines is lost before a whole TTL, and drains, rollouts and fences go on so much later at most. */
    private static final Duration NOT_LEADING = Duration.ofSeconds(1);
    /** Fewer silent machines than this are never blamed on the leader. */
    private static final int MASS = 3;

    private final Registry registry;
    private final MachineSessions<AgentSession> machines;
    private final Controller controller;
    private final Sessions sessions;
    private final Duration ttl;
    private final Duration atOnce;
    private final FenceWaits fences;
    private final LongSupplier nanoClock;
    private final Runnable handOver;
    private final Presence presence;

    /**
     * @param handOver asks another engine to lead; returns at once; does nothing where there is no other
     */
    public LivenessMonitor(
            Registry registry, Controller controller, Sessions sessions, LongSupplier nanoClock, Runnable handOver) {
        this.registry = registry;
        this.machines = sessions.machines();
        this.controller = controller;
        this.sessions = sessions;
        this.ttl = sessions.timing().ttl();
        this.atOnce = sessions.timing().atOnce();
        this.fences = new FenceWaits(Fence.afterTtl(ttl).toNanos());
        this.nanoClock = nanoClock;
        this.handOver = handOver;
        this.presence = new Presence(nanoClock, ttl, registry.read(view -> view.presentMachines() == 0));
        registry.addListener(presence);
    }

    /** From now on looks for silent machines at each tick. */
    public void start(Ticker ticker) {
        ticker.every(() -> sessions.leading() ? TICK : NOT_LEADING, this::tick);
    }

    private void tick() {
        if (!sessions.leading()) {
            return;
        }
        try {
            int tracked = machines.size();
            // At most a twentieth of the machines a tick, a fifth a second.
            var silent =
                    machines.silent(nanoClock.getAsLong(), Math.max(MASS + 1, tracked / 20), this::waitedForAsAWhole);
            if (!silent.isEmpty() && !blameSelf(silent.getFirst().heardAt(), tracked)) {
                silent.forEach(this::lose);
            }
            endFences();
            if (registry.read(
                    view -> view.drainingMachines() > 0 || !view.rollouts().isEmpty())) {
                controller.drainsGoOn();
            }
            if (machines.graceOver(nanoClock.getAsLong())) {
                sessions.stopWaiting();
            }
        } catch (RuntimeException e) {
            log.error("looking for silent machines failed; it goes on at the next tick", e);
        }
    }

    /** How much longer than its TTL a machine is waited for, in nanoseconds: while not all engines can wait for its fenced units alone. */
    private long waitedForAsAWhole(String id) {
        return !controller.writesFences() && registry.read(view -> view.mayRunFenced(id))
                ? Fence.afterTtl(ttl).toNanos()
                : 0;
    }

    private void endFences() {
        for (var machine : fences.over(registry.read(RegistryView::fenced), machines.term(), nanoClock.getAsLong())) {
            if (controller.fenceOver(machine.id(), machine.sessionEpoch())) {
                log.info("machine {} can't run fenced units any more: they may start elsewhere", machine.id());
            }
        }
    }

    /** @param first when the machine was heard last whose TTL is over: those that fell silent with it count, though theirs is not */
    private boolean blameSelf(long first, int tracked) {
        var unheard = machines.unheardSince(first + atOnce.toNanos());
        long witnesses = unheard.stream()
                .filter(silent -> presence.isSettled(silent.machineId(), silent.heardAt()))
                .count();
        if (witnesses < MASS || witnesses * 3 <= tracked - presence.newcomers()) {
            return false;
        }
        log.warn(
                "{} of {} machines fell silent at once: this engine takes the fault to be its own, gives them another"
                        + " {} and hands leadership over",
                unheard.size(),
                tracked,
                ttl);
        machines.respite(unheard, nanoClock.getAsLong());
        handOver.run();
        return true;
    }

    private void lose(MachineSessions.Silent silent) {
        var id = silent.machineId();
        boolean fenceOver = nanoClock.getAsLong() - silent.heardAt()
                >= ttl.plus(Fence.afterTtl(ttl)).toNanos();
        var loss = machines.lose(
                silent,
                nanoClock.getAsLong(),
                (machine, epoch) ->
                        controller.silent(machine, epoch, "not heard for " + ttl.toMillis() + " ms", fenceOver));
        if (loss.queued()) {
            log.warn("machine {} was not heard for {}: it is lost, its units are placed elsewhere", id, ttl);
        } else {
            log.debug("machine {} was not heard for {}, but its loss can't be decided now; tried again", id, ttl);
        }
        var over = loss.over();
        if (over != null) {
            sessions.refuseSoon(over, id);
        }
    }
}
