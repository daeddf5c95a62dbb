package io.raftfleet.engine.trace;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.StatusCode;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Change;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.traces.Traces;
import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One unit of {@link UnitTraces}, and guarded as that says. */
final class FollowedUnit {
    /** Of a global unit not every machine is followed: there may be thousands. */
    private static final int MOST_MACHINES = 8;

    private static final AttributeKey<String> MACHINE = AttributeKey.stringKey("raftfleet.machine");
    private static final AttributeKey<String> ACTIVE = AttributeKey.stringKey("raftfleet.unit.active_state");
    private static final AttributeKey<String> SUB = AttributeKey.stringKey("raftfleet.unit.sub_state");
    private static final AttributeKey<String> ERROR = AttributeKey.stringKey("raftfleet.unit.error");

    final String name;
    final Instant since;
    private final SpanContext call;

    /** From when the change was applied; null before. */
    private @Nullable Span span;

    /** Entry that the call changed it by. */
    private long index;

    private long generation;
    private TargetState target = TargetState.TARGET_STATE_UNSPECIFIED;
    private @Nullable String machine;
    private Instant orderedAt = Instant.EPOCH;
    private int machines;
    /** When the last report of it came that is not applied yet; null while there is none. */
    @Nullable
    Instant reportArrived;

    FollowedUnit(String name, SpanContext call, Instant since) {
        this.name = name;
        this.call = call;
        this.since = since;
    }

    boolean begun() {
        return span != null;
    }

    void end(String outcome) {
        if (span != null) {
            span.setAttribute("raftfleet.outcome", outcome);
            span.end();
        }
    }

    /** It has changed; false when it is followed no longer. */
    boolean changed(Traces traces, Change.OfUnit change, long inEntry, Instant now) {
        var before = change.before();
        var after = change.after();
        if (span == null || index == inEntry) {
            begin(traces, inEntry, now);
            generation = after == null ? 0 : after.startGeneration();
            target = after == null ? TargetState.TARGET_STATE_INACTIVE : after.target();
            span().setAttribute(
                            "raftfleet.unit.target",
                            target.name().replace("TARGET_STATE_", "").toLowerCase(Locale.ROOT));
            orderedAt = now;
        } else if (after == null || after.startGeneration() != generation || after.target() != target) {
            end("overtaken by a later write");
            return false;
        }
        if (target == TargetState.TARGET_STATE_INACTIVE && !leaves(before)) {
            end("on no machine");
            return false;
        }
        var place = after == null ? null : after.machineId();
        if (place != null && !place.equals(machine)) {
            machine = place;
            orderedAt = now;
            span().addEvent("scheduled", Attributes.of(MACHINE, place));
            span().setAttribute(MACHINE, place);
        }
        return true;
    }

    private static boolean leaves(@Nullable UnitRecord before) {
        return before != null && (before.machineId() != null || before.global());
    }

    private void begin(Traces traces, long inEntry, Instant now) {
        if (span == null) {
            span = traces.begin("carry out", call, now);
            span.setAttribute("raftfleet.unit", name);
            span.setAttribute("raftfleet.raft.index", inEntry);
            index = inEntry;
        }
    }

    private Span span() {
        var begun = span;
        if (begun == null) {
            throw new IllegalStateException("unit " + name + " was not changed yet");
        }
        return begun;
    }

    /** A machine is told; returns what it is to go on with, null when this one is not followed. */
    @Nullable
    SpanContext ordered(Traces traces, Attributes attributes, Instant now) {
        if (machines == MOST_MACHINES) {
            return null;
        }
        machines++;
        var context = span().getSpanContext();
        traces.past("order to the machine", context, orderedAt, now, attributes);
        return context;
    }

    /** A machine's report is applied; whether it says how the change has ended. */
    boolean reported(Traces traces, UnitState state, Instant now) {
        if (span == null) {
            return false;
        }
        committed(
                traces,
                Attributes.builder()
                        .put(MACHINE, state.getMachineId())
                        .put(ACTIVE, state.getActiveState())
                        .put(SUB, state.getSubState())
                        .build(),
                now);
        if (!answers(state)) {
            return false;
        }
        span().setAttribute(ACTIVE, state.getActiveState());
        span().setAttribute(SUB, state.getSubState());
        if (!state.getError().isEmpty()) {
            span().setAttribute(ERROR, state.getError());
        }
        if (state.getActiveState().equals("failed") || !state.getError().isEmpty()) {
            span().setStatus(StatusCode.ERROR);
        }
        end("reported");
        return true;
    }

    /** A machine has it no longer; whether that is how the change has ended. */
    boolean gone(Traces traces, String machineId, Instant now) {
        if (span == null) {
            return false;
        }
        committed(traces, Attributes.of(MACHINE, machineId), now);
        if (target != TargetState.TARGET_STATE_INACTIVE) {
            return false;
        }
        end("gone");
        return true;
    }

    private void committed(Traces traces, Attributes attributes, Instant now) {
        var arrived = reportArrived;
        if (arrived != null) {
            reportArrived = null;
            traces.past("commit the report", span().getSpanContext(), arrived, now, attributes);
        }
    }

    /** Whether the machine is through with what it was told. */
    private boolean answers(UnitState state) {
        if (state.getPending()
                || state.getStartGeneration() != generation
                || target == TargetState.TARGET_STATE_INACTIVE) {
            return false;
        }
        boolean up = state.getLaunched() && !state.getActiveState().equals("activating");
        return target != TargetState.TARGET_STATE_LAUNCHED
                || up
                || !state.getError().isEmpty();
    }
}
