package io.raftfleet.engine.trace;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanContext;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.agent.UnitTrace;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Change;
import io.raftfleet.state.Registry;
import io.raftfleet.traces.Traceparent;
import io.raftfleet.traces.Traces;
import io.raftfleet.unit.limits.Limits;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The units whose changes are followed, from the entry that changed them until a machine has reported what came of it. Soft state of
 * the leader: at most {@link #MOST} units of at most 256 bytes a name, each for ten minutes at most, the eldest make room; all are forgotten when the
 * leadership ends. Nothing of it is in the log or the registry.
 *
 * <p>Guarded by its monitor, within which nothing is called but the SDK, which does not wait. What is asked for each entry costs one
 * look at a field while no unit is followed.
 */
public final class UnitTraces implements Registry.Listener {
    static final int MOST = 4_096;
    static final Duration LONGEST = Duration.ofMinutes(10);

    private static final AttributeKey<String> MACHINE = AttributeKey.stringKey("raftfleet.machine");

    private final Traces traces;
    private final InstantSource clock;

    /** By name; those that were followed first come first. */
    @GuardedBy("this")
    private final Map<String, FollowedUnit> units = new LinkedHashMap<>();

    private volatile boolean none = true;

    public UnitTraces(Traces traces, InstantSource clock) {
        this.traces = traces;
        this.clock = clock;
    }

    /** These units are about to be changed by a call. */
    synchronized void follow(Collection<String> names, SpanContext call) {
        var now = clock.instant();
        for (var name : names) {
            var before = units.remove(name);
            if (before != null) {
                before.end("overtaken by a later write");
            }
            units.put(name, new FollowedUnit(name, call, now));
        }
        makeRoom(now);
        none = units.isEmpty();
    }

    @GuardedBy("this")
    private void makeRoom(Instant now) {
        var eldest = units.values().iterator();
        while (eldest.hasNext()) {
            var unit = eldest.next();
            if (units.size() <= MOST && unit.since.plus(LONGEST).isAfter(now)) {
                return;
            }
            unit.end("not followed any longer");
            eldest.remove();
        }
    }

    /** They are not changed after all. */
    synchronized void forget(Collection<String> names) {
        for (var name : names) {
            var unit = units.get(name);
            if (unit != null && !unit.begun()) {
                units.remove(name);
            }
        }
        none = units.isEmpty();
    }

    /** This engine leads no longer: what becomes of the units is not seen here. */
    public synchronized void end() {
        units.values().forEach(unit -> unit.end("the leader changed"));
        units.clear();
        none = true;
    }

    synchronized int size() {
        return units.size();
    }

    // --- What is applied -------------------------------------------------------------------------------------------

    @Override
    public void applied(Registry.Applied applied) {
        if (none) {
            return;
        }
        synchronized (this) {
            var now = clock.instant();
            applied.changes().forEach(change -> apply(change, applied.index(), now));
            makeRoom(now);
            none = units.isEmpty();
        }
    }

    @GuardedBy("this")
    private void apply(Change change, long index, Instant now) {
        switch (change) {
            case Change.OfUnit unit -> {
                var followed = units.get(unit.name());
                if (followed != null && !followed.changed(traces, unit, index, now)) {
                    units.remove(unit.name());
                }
            }
            case Change.OfState reported -> reported(reported.state(), now);
            case Change.OfStateGone gone -> {
                var followed = units.get(gone.name());
                if (followed != null && followed.gone(traces, gone.machineId(), now)) {
                    units.remove(gone.name());
                }
            }
            default -> {}
        }
    }

    @GuardedBy("this")
    private void reported(UnitState state, Instant now) {
        var followed = units.get(state.getName());
        if (followed != null && followed.reported(traces, state, now)) {
            units.remove(state.getName());
        }
    }

    // --- What is told ----------------------------------------------------------------------------------------------

    /** The same orders, with the traces of those that are followed; the orders have been read, and are about to be sent. */
    public AssignmentDelta tracing(String machineId, AssignmentDelta orders) {
        if (none || orders.getSetCount() + orders.getRemoveCount() == 0) {
            return orders;
        }
        var traced = orders.toBuilder();
        synchronized (this) {
            var now = clock.instant();
            add(traced, machineId, orders.getSetList(), AssignedUnit::getName, now);
            add(traced, machineId, orders.getRemoveList(), Function.identity(), now);
        }
        return traced.getTracesCount() == 0 ? orders : traced.build();
    }

    @GuardedBy("this")
    private <T> void add(
            AssignmentDelta.Builder traced, String machineId, List<T> orders, Function<T, String> name, Instant now) {
        for (var order : orders) {
            var unit = units.get(name.apply(order));
            if (unit == null || !unit.begun() || traced.getTracesCount() == Limits.UNIT_TRACES) {
                continue;
            }
            var context = unit.ordered(traces, Attributes.of(MACHINE, machineId), now);
            if (context != null) {
                traced.addTraces(UnitTrace.newBuilder().setName(unit.name).setTraceparent(Traceparent.of(context)));
            }
        }
    }

    /** A machine's report has come, and is about to be decided on. */
    public void arrived(StateReport report) {
        if (none) {
            return;
        }
        synchronized (this) {
            var now = clock.instant();
            for (var state : report.getStatesList()) {
                var unit = units.get(state.getName());
                if (unit != null) {
                    unit.reportArrived = now;
                }
            }
            for (var gone : report.getGoneList()) {
                var unit = units.get(gone);
                if (unit != null) {
                    unit.reportArrived = now;
                }
            }
        }
    }
}
