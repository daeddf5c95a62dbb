package io.raftfleet.fleetctl;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.raftfleet.traces.TraceSettings;
import io.raftfleet.traces.Traceparent;
import io.raftfleet.traces.Traces;
import java.time.Instant;
import java.util.Map;

/**
 * The trace of one command and of the calls it makes. Only where {@value #ENDPOINT} names a collector is this class loaded, and with it
 * OpenTelemetry.
 */
final class CommandTrace implements AutoCloseable {
    /** A collector, as the daemons' {@code traces_endpoint}. */
    static final String ENDPOINT = "FLEETCTL_TRACES_ENDPOINT";

    private static final Metadata.Key<String> HEADER =
            Metadata.Key.of(Traceparent.HEADER, Metadata.ASCII_STRING_MARSHALLER);

    private final Traces traces;
    private final Span command;

    private CommandTrace(Traces traces, Span command) {
        this.traces = traces;
        this.command = command;
    }

    /**
     * Begins the trace of a command, as a part of the one in {@code TRACEPARENT} if that is one.
     *
     * @param name such as {@code fleetctl start}
     * @throws IllegalArgumentException when the variable names no collector
     */
    static CommandTrace begin(String name, Map<String, String> environment) {
        var settings = TraceSettings.of(environment.getOrDefault(ENDPOINT, ""), "1");
        var traces = Traces.to(settings, new Traces.Source("fleetctl", "", Version.number()), line -> {});
        var command = traces.begin(name, SpanKind.INTERNAL, Traceparent.parse(environment.get("TRACEPARENT")));
        // Sent at once: by the end of the command the connection is there, and what sends has been loaded.
        var now = Instant.now();
        traces.past(
                "start of the process",
                command.getSpanContext(),
                ProcessHandle.current().info().startInstant().orElse(now),
                now,
                Attributes.empty());
        traces.send();
        return new CommandTrace(traces, command);
    }

    /** A span for each call, and the word of it to the engine. */
    ClientInterceptor calls() {
        return new ClientInterceptor() {
            @Override
            public <Q, R> ClientCall<Q, R> interceptCall(
                    MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
                return new Traced<>(next.newCall(method, options), method.getFullMethodName());
            }
        };
    }

    /** The command is over. */
    void exits(int code) {
        command.setAttribute("process.exit.code", code);
        if (code != 0) {
            command.setStatus(StatusCode.ERROR);
        }
    }

    /** Sends what there is, for half a second at most. */
    @Override
    public void close() {
        command.end();
        traces.close();
    }

    private final class Traced<Q, R> extends SimpleForwardingClientCall<Q, R> {
        private final String method;

        Traced(ClientCall<Q, R> call, String method) {
            super(call);
            this.method = method;
        }

        @Override
        public void start(Listener<R> responses, Metadata headers) {
            var span = traces.begin(method, SpanKind.CLIENT, command.getSpanContext());
            span.setAttribute("rpc.system", "grpc");
            headers.put(HEADER, Traceparent.of(span.getSpanContext()));
            super.start(
                    new SimpleForwardingClientCallListener<>(responses) {
                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            span.setAttribute(
                                    "rpc.grpc.status_code", status.getCode().value());
                            if (!status.isOk()) {
                                span.setStatus(
                                        StatusCode.ERROR, status.getCode().name());
                            }
                            span.end();
                            super.onClose(status, trailers);
                        }
                    },
                    headers);
        }
    }
}
