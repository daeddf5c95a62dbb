package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.CompactedException;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.Listing;
import io.raftfleet.client.WaitGoal;
import io.raftfleet.client.WaitedUnit;
import io.raftfleet.client.Watch;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Waits until units are where a command takes them, by one list and one watch, and prints a line for each as fleet does. What a unit
 * was before the command does not count: see {@link WaitedUnit}. Meanwhile it tells why units can't be placed. To be used by one
 * thread.
 *
 * <p>Fleet's {@code start} fails when a launched unit is not active after two seconds. Ours goes on while systemd is activating it,
 * fails at once when the unit failed, and when its main process does not stay up for a while; a unit that has finished is fine.
 */
final class UnitWaiter {
    /** A watch with more names than this is cheaper without a filter. */
    private static final int MOST_FILTERED = 64;

    private static final long TICK = Duration.ofMillis(250).toNanos();

    private final Session session;
    private final WaitGoal goal;
    private final long stayUp;
    private final Map<String, WaitedUnit> waiting = new LinkedHashMap<>();
    private final Set<String> settling = new LinkedHashSet<>();
    private final List<String> failed = new ArrayList<>();
    private final WaitProgress progress;
    private final VetoNotes vetoes;
    private final Patience patience;
    private boolean sinceOrder;
    private int problems;

    /** @param stayUp how long main processes of started units must run, in nanoseconds */
    UnitWaiter(Session session, WaitGoal goal, long stayUp) {
        this.session = session;
        this.goal = goal;
        this.stayUp = stayUp;
        this.progress = new WaitProgress(session.terminal(), goal.word());
        this.patience = new Patience(session);
        this.vetoes = new VetoNotes(session, progress);
    }

    /**
     * Waits.
     *
     * @param units names and expected hashes of contents
     * @param limit how long; null: as long as it takes
     * @return how many did not get there; people have been told of each, up to some number
     */
    int await(Map<String, ByteString> units, @Nullable Duration limit) {
        long start = System.nanoTime();
        units.forEach((name, hash) -> waiting.put(name, new WaitedUnit(name, hash, stayUp)));
        progress.begin(units.size());
        try {
            while (!waiting.isEmpty()) {
                Long deadline = limit == null ? null : start + limit.toNanos();
                if (!bearing(deadline)) {
                    askWhy();
                    waiting.keySet()
                            .forEach(name -> problem("timed out waiting for unit " + name + " to report state "
                                    + goal.word() + vetoes.reasonOf(name)));
                    break;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem("interrupted");
        } finally {
            progress.end();
        }
        session.terminal().out().flush();
        var tails = new JournalTails(session);
        failed.forEach(tails::print);
        return problems;
    }

    /** Follows; that engines do not answer for a while is borne until the deadline. */
    private boolean bearing(@Nullable Long deadline) throws InterruptedException {
        try {
            return follow(deadline);
        } catch (FleetClientException failure) {
            progress.clear();
            patience.bear(failure);
            return deadline == null || deadline - System.nanoTime() > 0;
        }
    }

    /** The time may have been over before the first question. */
    private void askWhy() {
        try {
            vetoes.ask(waiting.values());
        } catch (FleetClientException unanswered) {
            // What is to be told now is that the time is over; the reason would have been an addition.
        }
    }

    /** Lists and watches; false when the deadline passed, true when all is done or the watch has to be begun again. */
    private boolean follow(@Nullable Long deadline) throws InterruptedException {
        Revision from = list();
        patience.answered();
        var request = WatchRequest.newBuilder().setAfter(from).setUnits(true).setUnitStates(true);
        if (waiting.size() <= MOST_FILTERED) {
            request.addAllNames(UnitNames.asFilter(waiting.keySet()));
        }
        try (Watch watch = session.client().watch(request.build())) {
            while (!waiting.isEmpty()) {
                long now = System.nanoTime();
                if (deadline != null && deadline - now <= 0) {
                    return false;
                }
                session.terminal().out().flush();
                progress.show(waiting.size(), settling.size());
                long wait = deadline == null ? TICK : Math.min(TICK, deadline - now);
                WatchResponse frame = watch.next(Duration.ofNanos(wait));
                if (frame != null) {
                    frame.getEventsList().forEach(this::apply);
                }
                List.copyOf(settling).forEach(this::evaluate);
                vetoes.check(waiting.values(), System.nanoTime());
            }
            return true;
        } catch (CompactedException e) {
            // Fell behind the kept window: the list says what was missed.
            return true;
        }
    }

    private Revision list() {
        List<String> names = UnitNames.asFilter(waiting.keySet());
        Listing<UnitState> states = session.client()
                .listUnitStates(
                        ListUnitStatesRequest.newBuilder().addAllNames(names).build());
        Listing<Unit> units = session.client()
                .listUnits(ListUnitsRequest.newBuilder().addAllNames(names).build());
        // A list holds what was acknowledged before it was asked for, and so the command's own order. fleet's HTTP API,
        // which tells no revision, does not promise that.
        sinceOrder = !units.revision().equals(Revision.getDefaultInstance());
        waiting.values().forEach(WaitedUnit::forget);
        for (UnitState state : states.rows()) {
            WaitedUnit unit = waiting.get(state.getName());
            if (unit != null) {
                unit.is(state);
            }
        }
        for (Unit row : units.rows()) {
            WaitedUnit unit = waiting.get(row.getName());
            if (unit != null) {
                unit.is(row);
            }
        }
        for (WaitedUnit unit : List.copyOf(waiting.values())) {
            if (unit.unit() == null && goal != WaitGoal.DESTROYED) {
                destroyed(unit.name());
            } else {
                evaluate(unit.name());
            }
        }
        // States were listed first: a watch from there repeats changes of units, and misses nothing.
        return states.revision();
    }

    private void apply(WatchEvent event) {
        switch (event.getChangeCase()) {
            case UNIT -> {
                WaitedUnit unit = waiting.get(event.getUnit().getName());
                if (unit != null) {
                    unit.is(event.getUnit());
                    evaluate(unit.name());
                }
            }
            case UNIT_DESTROYED -> {
                WaitedUnit unit = waiting.get(event.getUnitDestroyed());
                if (unit != null && goal == WaitGoal.DESTROYED) {
                    unit.isDestroyed();
                    evaluate(unit.name());
                } else if (unit != null) {
                    destroyed(unit.name());
                }
            }
            case UNIT_STATE -> {
                WaitedUnit unit = waiting.get(event.getUnitState().getName());
                if (unit != null) {
                    unit.is(event.getUnitState());
                    evaluate(unit.name());
                }
            }
            case UNIT_STATE_GONE -> {
                WaitedUnit unit = waiting.get(event.getUnitStateGone().getName());
                if (unit != null) {
                    unit.isGone(event.getUnitStateGone());
                    evaluate(unit.name());
                }
            }
            default -> {}
        }
    }

    private void destroyed(String name) {
        finished(name);
        problem("unit " + name + " was destroyed meanwhile");
    }

    private void evaluate(String name) {
        WaitedUnit waited = waiting.get(name);
        if (waited == null) {
            return;
        }
        Unit unit = waited.unit();
        boolean lowered = unit != null
                && goal != WaitGoal.DESTROYED
                && Words.target(unit).getNumber() < goal.target().getNumber()
                && waited.isCurrentFile();
        if (unit != null && (lowered || waited.isRaised(goal, sinceOrder))) {
            finished(name);
            problem("unit " + name + " is to be " + Words.state(Words.target(unit))
                    + " now, somebody else has changed it");
            return;
        }
        switch (waited.judge(goal, System.nanoTime())) {
            case PENDING -> settling.add(name);
            case UP -> {
                settling.add(name);
                announce(waited);
            }
            case GOOD -> {
                finished(name);
                announce(waited);
            }
            case BAD -> {
                finished(name);
                problem("unit " + name + (unit == null ? "" : " on " + legend(unit)) + ": " + waited.why());
                if (failed.size() < VetoNotes.MOST_LINES) {
                    failed.add(name);
                }
            }
        }
    }

    private void announce(WaitedUnit waited) {
        Unit unit = waited.unit();
        if (waited.announce()) {
            progress.clear();
            session.out(
                    goal == WaitGoal.DESTROYED
                            ? "Destroyed " + waited.name()
                            : "Unit " + waited.name() + " " + goal.word()
                                    + (unit == null || unit.getMachineId().isEmpty() ? "" : " on " + legend(unit)));
        }
    }

    private void finished(String name) {
        waiting.remove(name);
        settling.remove(name);
    }

    private void problem(String text) {
        problems++;
        progress.clear();
        if (problems <= VetoNotes.MOST_LINES) {
            session.err("Error waiting for units: " + text);
        } else if (problems == VetoNotes.MOST_LINES + 1) {
            session.err("Error waiting for units: there are more, see: fleetctl list-units");
        }
    }

    private String legend(Unit unit) {
        String id = unit.getMachineId();
        if (session.machine(id) == null && progress.mayAskAgain(System.nanoTime())) {
            session.forgetMachines();
        }
        return Words.machine(id, session.machine(id), false);
    }
}
