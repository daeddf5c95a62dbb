package io.raftfleet.client;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@link Units#await}: one list and one watch for all units, again when the watch has fallen behind. Used by one thread. */
final class UnitAwait {
    /** A list or a watch with more names than this is cheaper without a filter. */
    private static final int MOST_FILTERED = 64;
    /** How often units are looked at of which nothing is heard, since a failure has to last a moment. */
    private static final long TICK = TimeUnit.MILLISECONDS.toNanos(250);
    /** Of so many units a timeout says why. */
    private static final int MOST_EXPLAINED = 10;

    private final FleetClient client;
    private final WaitGoal goal;
    private final Duration limit;
    private final long deadline;
    private final Map<String, WaitedUnit> waiting = new LinkedHashMap<>();
    /** Up to where the list of units was. */
    private Revision unitsListed = Revision.getDefaultInstance();

    private final Map<String, UnitState> reached = new LinkedHashMap<>();
    private final int all;

    UnitAwait(FleetClient client, Collection<String> names, WaitGoal goal, Duration limit) {
        this.client = client;
        this.goal = goal;
        this.limit = limit;
        this.deadline = System.nanoTime() + limit.toNanos();
        names.forEach(name -> waiting.put(name, new WaitedUnit(name, ByteString.EMPTY, 0)));
        this.all = waiting.size();
    }

    Map<String, UnitState> run() throws InterruptedException, TimeoutException {
        while (!waiting.isEmpty()) {
            if (!follow()) {
                throw new TimeoutException(late());
            }
        }
        return Map.copyOf(reached);
    }

    /** False when the time is over, true when all are there or the watch has to be begun again. */
    private boolean follow() throws InterruptedException {
        var request = WatchRequest.newBuilder().setAfter(list()).setUnits(true).setUnitStates(true);
        if (waiting.size() <= MOST_FILTERED) {
            request.addAllNames(filter());
        }
        try (Watch watch = client.watch(request.build())) {
            while (true) {
                List.copyOf(waiting.values()).forEach(this::judge);
                long left = deadline - System.nanoTime();
                if (waiting.isEmpty() || left <= 0) {
                    return waiting.isEmpty();
                }
                WatchResponse frame = watch.next(Duration.ofNanos(Math.min(TICK, left)));
                if (frame != null) {
                    frame.getEventsList().forEach(this::apply);
                }
            }
        } catch (CompactedException e) {
            return true; // The list says what was missed.
        }
    }

    /** A backslash is an escape in a pattern, so such a name goes both ways. */
    private List<String> filter() {
        var filter = new ArrayList<String>();
        for (String name : waiting.keySet()) {
            filter.add(name);
            if (name.indexOf('\\') >= 0) {
                filter.add(name.replace("\\", "\\\\"));
            }
        }
        return filter;
    }

    private Revision list() {
        List<String> names = waiting.size() <= MOST_FILTERED ? filter() : List.of();
        var states = client.listUnitStates(
                ListUnitStatesRequest.newBuilder().addAllNames(names).build());
        var units = client.listUnits(
                ListUnitsRequest.newBuilder().addAllNames(names).build());
        waiting.values().forEach(WaitedUnit::forget);
        for (UnitState state : states.rows()) {
            WaitedUnit waited = waiting.get(state.getName());
            if (waited != null) {
                waited.is(state);
            }
        }
        units.rows().forEach(this::is);
        unitsListed = units.revision();
        // States were listed first: a watch from there repeats changes of units, and misses nothing.
        return states.revision();
    }

    private void apply(WatchEvent event) {
        switch (event.getChangeCase()) {
            case UNIT -> {
                if (EventStream.isAfter(event.getRevision(), unitsListed)) { // Else the list was later.
                    is(event.getUnit());
                }
            }
            case UNIT_DESTROYED -> {
                WaitedUnit waited = waiting.get(event.getUnitDestroyed());
                if (waited != null) {
                    waited.isDestroyed();
                }
            }
            case UNIT_STATE -> {
                WaitedUnit waited = waiting.get(event.getUnitState().getName());
                if (waited != null) {
                    waited.is(event.getUnitState());
                }
            }
            case UNIT_STATE_GONE -> {
                WaitedUnit waited = waiting.get(event.getUnitStateGone().getName());
                if (waited != null) {
                    waited.isGone(event.getUnitStateGone());
                }
            }
            default -> {}
        }
    }

    /** Whatever file it has now is the one to wait for. */
    private void is(Unit row) {
        WaitedUnit known = waiting.get(row.getName());
        if (known == null) {
            return;
        }
        if (row.getGlobal()) {
            throw new IllegalArgumentException(
                    "unit " + row.getName() + " is global: it has a state on each machine, list those to follow it");
        }
        known.is(row);
        if (!known.isCurrentFile()) {
            waiting.put(row.getName(), known.withFile(row.getHash()));
        }
    }

    private void judge(WaitedUnit waited) {
        Unit unit = waited.unit();
        if (unit == null && goal != WaitGoal.DESTROYED) {
            throw new UnitFailedException(waited.name(), "there is no such unit, or it was destroyed meanwhile");
        }
        if (unit != null
                && goal != WaitGoal.DESTROYED
                && WaitedUnit.target(unit).getNumber() < goal.target().getNumber()) {
            throw new UnitFailedException(
                    waited.name(),
                    "it is to be no more than " + word(WaitedUnit.target(unit)) + ": it was ordered elsewhere");
        }
        // The order that is waited for may be under way yet: what is above the goal from the start is waited for.
        if (unit != null && waited.isRaised(goal, false)) {
            throw new UnitFailedException(
                    waited.name(), "it is to be " + word(WaitedUnit.target(unit)) + " now: it was ordered elsewhere");
        }
        switch (waited.judge(goal, System.nanoTime())) {
            case PENDING, UP -> {}
            case GOOD -> {
                UnitState state = waited.state();
                if (state != null) {
                    reached.put(waited.name(), state);
                }
                waiting.remove(waited.name());
            }
            case BAD ->
                throw new UnitFailedException(
                        waited.name(),
                        (unit == null || unit.getMachineId().isEmpty()
                                        ? ""
                                        : "on machine " + unit.getMachineId() + ": ")
                                + waited.why());
        }
    }

    private static String word(TargetState target) {
        return switch (target) {
            case TARGET_STATE_LAUNCHED -> "launched";
            case TARGET_STATE_LOADED -> "loaded";
            default -> "inactive";
        };
    }

    private String late() {
        String some = waiting.keySet().stream()
                .limit(MOST_EXPLAINED)
                .map(name -> name + why(name))
                .collect(Collectors.joining(", "));
        int more = waiting.size() - MOST_EXPLAINED;
        return waiting.size() + " of " + all + " units are not " + goal.word() + " after " + limit + ": " + some
                + (more > 0 ? ", and " + more + " more" : "");
    }

    /** The time may have been over before any engine answered; then the reason, an addition, is left out. */
    private String why(String name) {
        try {
            @Nullable GetUnitResponse found = client.getUnit(name);
            return found == null || found.getUnit().getVetoesCount() == 0
                    ? ""
                    : found.getUnit().getVetoesList().stream()
                            .map(Veto::getMessage)
                            .collect(Collectors.joining("; ", " (", ")"));
        } catch (FleetClientException unanswered) {
            return "";
        }
    }
}
