package io.raftfleet.agent.reconcile;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.traces.Traces;
import org.jspecify.annotations.Nullable;

/** One order, from when it came until the state is on its way that says it is carried out; with a span a step. Owned by the machine's loop. */
final class OrderTrace {
    private static final AttributeKey<String> ACTIVE = AttributeKey.stringKey("raftfleet.unit.active_state");
    private static final AttributeKey<String> SUB = AttributeKey.stringKey("raftfleet.unit.sub_state");

    private final OrderTraces all;
    private final ManagedUnit unit;
    private final Traces traces;
    private final Span span;
    private @Nullable Span step;

    OrderTrace(OrderTraces all, ManagedUnit unit, Traces traces, Span span) {
        this.all = all;
        this.unit = unit;
        this.traces = traces;
        this.span = span;
    }

    /** A step begins; the one before is over. */
    void step(String name) {
        stepEnded("");
        step = traces.begin(name, SpanKind.INTERNAL, span.getSpanContext());
    }

    /** @param error why it failed; empty when it did not */
    void stepEnded(String error) {
        var over = step;
        if (over != null) {
            if (!error.isEmpty()) {
                over.setStatus(StatusCode.ERROR, error);
            }
            over.end();
            step = null;
        }
    }

    /** This state is on its way to the engine. */
    void reported(UnitState state) {
        span.addEvent("reported", Attributes.of(ACTIVE, state.getActiveState(), SUB, state.getSubState()));
        if (!state.getPending()) {
            if (!state.getError().isEmpty()) {
                span.setStatus(StatusCode.ERROR, state.getError());
            }
            end("reported");
        }
    }

    void end(String outcome) {
        stepEnded("");
        span.setAttribute("raftfleet.outcome", outcome);
        span.end();
        all.over(this);
        if (unit.trace == this) {
            unit.trace = null;
        }
    }
}
