package io.raftfleet.agent.reconcile;

import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.raftfleet.proto.agent.UnitTrace;
import io.raftfleet.traces.Traceparent;
import io.raftfleet.traces.Traces;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The orders that a machine carries out as part of a trace: 256 at once at most, the eldest make room. Used by the machine's loop alone.
 */
public final class OrderTraces {
    static final int MOST = 256;

    private final Traces traces;
    private final String machineId;
    /** Those that came first come first. */
    private final Set<OrderTrace> open = new LinkedHashSet<>();

    public OrderTraces(Traces traces, String machineId) {
        this.traces = traces;
        this.machineId = machineId;
    }

    /** The unit's order is a part of a trace; no part of any, if that is none. */
    void follow(ManagedUnit unit, UnitTrace trace) {
        SpanContext parent = Traceparent.parse(trace.getTraceparent());
        if (parent == null || !parent.isSampled()) {
            return;
        }
        unit.traceEnds("overtaken by a later order");
        if (open.size() >= MOST) {
            open.iterator().next().end("not followed any longer");
        }
        var span = traces.begin("carry out the order", SpanKind.CONSUMER, parent);
        span.setAttribute("raftfleet.unit", unit.name);
        span.setAttribute("raftfleet.machine", machineId);
        var begun = new OrderTrace(this, unit, traces, span);
        open.add(begun);
        unit.trace = begun;
    }

    void over(OrderTrace trace) {
        open.remove(trace);
    }

    int size() {
        return open.size();
    }
}
