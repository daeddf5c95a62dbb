package io.raftfleet.engine.trace;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.trace.SpanKind;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.traces.Traceparent;
import io.raftfleet.traces.Traces;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Begins traces at this engine's edges, over gRPC and HTTP. Of writes alone. Safe for use by any thread. */
public final class CallTraces implements ServerInterceptor {
    private static final Set<String> WRITES = Set.of(
            FleetGrpc.getCreateUnitsMethod().getFullMethodName(),
            FleetGrpc.getSetTargetStatesMethod().getFullMethodName(),
            FleetGrpc.getDestroyUnitsMethod().getFullMethodName(),
            FleetGrpc.getPatchMachinesMethod().getFullMethodName(),
            FleetGrpc.getStartRolloutMethod().getFullMethodName(),
            FleetGrpc.getControlRolloutMethod().getFullMethodName());

    private final Traces traces;
    private final UnitTraces units;

    public CallTraces(Traces traces, UnitTraces units) {
        this.traces = traces;
        this.units = units;
    }

    /** A write over HTTP. */
    public CallTrace http(String method, String resource, @Nullable String traceparent) {
        var trace = begin(method + " " + resource, traceparent);
        trace.span().setAttribute("http.request.method", method);
        return trace;
    }

    private CallTrace begin(String name, @Nullable String traceparent) {
        return new CallTrace(traces, units, traces.begin(name, SpanKind.SERVER, Traceparent.parse(traceparent)));
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        var method = call.getMethodDescriptor();
        if (!WRITES.contains(method.getFullMethodName())) {
            return next.startCall(call, headers);
        }
        var trace = begin(method.getFullMethodName(), headers.get(CallTrace.HEADER));
        trace.span().setAttribute("rpc.system", "grpc");
        var answered = new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                super.close(status, trailers);
                trace.answered(status);
            }
        };
        return new SimpleForwardingServerCallListener<>(
                Contexts.interceptCall(trace.in(Context.current()), answered, headers, next)) {
            @Override
            public void onCancel() {
                trace.answered(Status.CANCELLED);
                super.onCancel();
            }
        };
    }
}
