package io.raftfleet.engine.trace;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.agent.AssignmentDelta;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.state.Change;
import io.raftfleet.state.LastChange;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.traces.Traces;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.limits.Limits;
import io.raftfleet.unit.limits.MessageCheck;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UnitTracesTest {
    private static final String MACHINE = "1".repeat(32);
    private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("raftfleet.outcome");

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final Traces traces =
            Traces.to(SimpleSpanProcessor.create(spans), 1, new Traces.Source("fleet-engine", "e1", "test"));
    private final Span call = traces.begin("call", SpanKind.SERVER, null);
    private Instant now = Instant.EPOCH;
    private final UnitTraces units = new UnitTraces(traces, () -> now);

    private void apply(long index, Change... changes) {
        units.applied(new Registry.Applied(1, index, Arrays.asList(changes)));
    }

    private static UnitRecord record(String name, @Nullable String machine, TargetState target, long generation)
            throws Exception {
        var file = UnitFile.parse("[Service]\nExecStart=/bin/true\n");
        return new UnitRecord(
                name,
                file.hash(),
                null,
                Requirements.of(name, file),
                true,
                target,
                generation,
                machine,
                LastChange.UNKNOWN,
                1,
                1,
                1);
    }

    private static Change.OfUnit launched(String name, @Nullable String machine, long generation) throws Exception {
        return new Change.OfUnit(
                null,
                record(name, machine, TargetState.TARGET_STATE_LAUNCHED, generation),
                TargetState.TARGET_STATE_INACTIVE);
    }

    private static Change.OfState state(String name, String active, long generation, boolean pending) {
        return new Change.OfState(UnitState.newBuilder()
                .setName(name)
                .setMachineId(MACHINE)
                .setActiveState(active)
                .setSubState("x")
                .setLaunched(!pending)
                .setPending(pending)
                .setStartGeneration(generation)
                .build());
    }

    private List<String> outcomes() {
        return spans.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals("carry out"))
                .map(span -> String.valueOf(span.getAttributes().get(OUTCOME)))
                .toList();
    }

    private List<String> names() {
        return spans.getFinishedSpanItems().stream().map(SpanData::getName).toList();
    }

    @Test
    void aUnitIsFollowedUntilItsMachineHasSaidWhatCameOfIt() throws Exception {
        units.follow(List.of("a.service"), call.getSpanContext());
        var order = AssignmentDelta.newBuilder()
                .addSet(AssignedUnit.newBuilder().setName("a.service"))
                .build();
        assertThat(units.tracing(MACHINE, order)).as("before it is committed").isSameAs(order);
        apply(5, launched("a.service", null, 5), launched("a.service", MACHINE, 5));

        var told = units.tracing(MACHINE, order);
        assertThat(told.getTracesList()).singleElement().satisfies(trace -> {
            assertThat(trace.getName()).isEqualTo("a.service");
            assertThat(trace.getTraceparent()).contains(call.getSpanContext().getTraceId());
            assertThat(MessageCheck.fault(trace)).isNull();
        });
        assertThat(told.toBuilder().clearTraces().build()).isEqualTo(order);

        apply(6, state("a.service", "activating", 5, true));
        units.arrived(StateReport.newBuilder()
                .addStates(UnitState.newBuilder().setName("a.service"))
                .build());
        assertThat(units.size()).isEqualTo(1);
        apply(7, state("a.service", "active", 5, false));
        assertThat(units.size()).isZero();
        assertThat(outcomes()).containsExactly("reported");
        assertThat(names()).containsExactly("order to the machine", "commit the report", "carry out");
    }

    @Test
    void aStateOfAnEarlierStartEndsNothing() throws Exception {
        units.follow(List.of("a.service"), call.getSpanContext());
        apply(5, launched("a.service", MACHINE, 5));
        apply(6, state("a.service", "active", 4, false));
        assertThat(units.size()).isEqualTo(1);
    }

    @Test
    void whatIsNotWrittenLeavesNothing() {
        units.follow(List.of("a.service"), call.getSpanContext());
        units.forget(List.of("a.service"));
        assertThat(units.size()).isZero();
        assertThat(spans.getFinishedSpanItems()).isEmpty();
    }

    @Test
    void aLaterWriteTakesItsPlace() throws Exception {
        units.follow(List.of("a.service"), call.getSpanContext());
        apply(5, launched("a.service", MACHINE, 5));
        apply(9, launched("a.service", MACHINE, 9));
        assertThat(units.size()).isZero();
        assertThat(outcomes()).containsExactly("overtaken by a later write");
    }

    @Test
    void itIsBoundedAndTheEldestMakesRoom() throws Exception {
        units.follow(List.of("eldest.service"), call.getSpanContext());
        apply(1, launched("eldest.service", null, 1));
        for (int i = 0; i < UnitTraces.MOST; i++) {
            units.follow(List.of("u" + i + ".service"), call.getSpanContext());
        }
        assertThat(units.size()).isEqualTo(UnitTraces.MOST);
        assertThat(outcomes()).containsExactly("not followed any longer");
    }

    @Test
    void noneIsFollowedForEver() throws Exception {
        units.follow(List.of("a.service"), call.getSpanContext());
        apply(1, launched("a.service", null, 1));
        now = now.plus(UnitTraces.LONGEST);
        units.follow(List.of("b.service"), call.getSpanContext());
        assertThat(units.size()).isEqualTo(1);
        now = now.plus(Duration.ofHours(1));
        apply(2);
        assertThat(units.size()).isZero();
    }

    @Test
    void withTheLeadershipAllIsForgotten() throws Exception {
        units.follow(List.of("a.service"), call.getSpanContext());
        apply(1, launched("a.service", MACHINE, 1));
        units.end();
        assertThat(units.size()).isZero();
        assertThat(outcomes()).containsExactly("the leader changed");
    }

    @Test
    void aFrameOfOrdersHasSoManyTracesAtMost() throws Exception {
        var orders = AssignmentDelta.newBuilder();
        for (int i = 0; i < Limits.ORDERS; i++) {
            var name = "u" + i + ".service";
            orders.addSet(AssignedUnit.newBuilder().setName(name));
            units.follow(List.of(name), call.getSpanContext());
            apply(i + 1, launched(name, MACHINE, i + 1));
        }
        assertThat(units.tracing(MACHINE, orders.build()).getTracesList()).hasSize(Limits.UNIT_TRACES);
    }

    @Test
    void ofAGlobalUnitSomeMachinesAreFollowed() throws Exception {
        units.follow(List.of("g.service"), call.getSpanContext());
        apply(1, launched("g.service", null, 1));
        var order = AssignmentDelta.newBuilder()
                .addSet(AssignedUnit.newBuilder().setName("g.service"))
                .build();
        assertThat(IntStream.range(0, 1000)
                        .filter(machine ->
                                units.tracing(Integer.toString(machine), order).getTracesCount() > 0)
                        .count())
                .isEqualTo(8);
    }
}
