package io.raftfleet.engine.trace;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.raftfleet.traces.Traceparent;
import io.raftfleet.traces.Traces;
import org.jspecify.annotations.Nullable;

/**
 * The span of a write that a client or another engine has called for, from when it came to when it is answered. It goes with the call's
 * context, as the caller does. Whatever is not traced has none. Safe for use by any thread.
 */
public final class CallTrace {
    /** As W3C has it. */
    static final Metadata.Key<String> HEADER = Metadata.Key.of(Traceparent.HEADER, Metadata.ASCII_STRING_MARSHALLER);

    private static final Context.Key<CallTrace> KEY = Context.key("call-trace");

    private final Traces traces;
    private final UnitTraces units;
    private final Span span;

    CallTrace(Traces traces, UnitTraces units, Span span) {
        this.traces = traces;
        this.units = units;
        this.span = span;
    }

    /** Of what this thread does; null when that is not traced. */
    static @Nullable CallTrace current() {
        return KEY.get();
    }

    /** A context for what this call asks for. */
    public Context in(Context context) {
        return context.withValue(KEY, this);
    }

    Traces traces() {
        return traces;
    }

    UnitTraces units() {
        return units;
    }

    Span span() {
        return span;
    }

    /** The call was answered over HTTP. */
    public void answered(int status) {
        span.setAttribute("http.response.status_code", status);
        if (status >= 500) {
            span.setStatus(StatusCode.ERROR);
        }
        span.end();
    }

    /** The call was answered over gRPC. */
    void answered(Status status) {
        end(span, status);
    }

    private static void end(Span span, Status status) {
        span.setAttribute("rpc.grpc.status_code", status.getCode().value());
        if (!status.isOk()) {
            var why = status.getDescription();
            span.setStatus(StatusCode.ERROR, why == null ? status.getCode().name() : why);
        }
        span.end();
    }

    /** Traces calls to another engine that a traced call makes, and tells that one. */
    public static ClientInterceptor passingOn() {
        return new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                var trace = current();
                var call = next.newCall(method, options);
                return trace == null ? call : new Passed<>(call, trace, next.authority());
            }
        };
    }

    private static final class Passed<Q, R> extends SimpleForwardingClientCall<Q, R> {
        private final CallTrace trace;
        private final @Nullable String to;

        Passed(ClientCall<Q, R> call, CallTrace trace, @Nullable String to) {
            super(call);
            this.trace = trace;
            this.to = to;
        }

        @Override
        public void start(Listener<R> responses, Metadata headers) {
            var passed = trace.traces()
                    .begin(
                            "pass on to the leader",
                            SpanKind.CLIENT,
                            trace.span().getSpanContext());
            passed.setAttribute("server.address", String.valueOf(to));
            headers.put(HEADER, Traceparent.of(passed.getSpanContext()));
            super.start(
                    new SimpleForwardingClientCallListener<>(responses) {
                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            super.onClose(status, trailers);
                            end(passed, status);
                        }
                    },
                    headers);
        }
    }
}
