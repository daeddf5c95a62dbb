package io.raftfleet.engine.admission;

import com.google.protobuf.Descriptors.Descriptor;
import io.grpc.Context;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Decides which gRPC calls are taken. A call counts from its first frame to the end of its stream, with the bytes that have
 * arrived for it and those of its answer that the client has not taken; one that is over a limit is ended with
 * {@code RESOURCE_EXHAUSTED} and a {@link RetryHint}, before it is buffered any further.
 *
 * <p>Both an interceptor, which sees who calls, and a source of stream tracers, which see each piece of a message as it
 * arrives, before there is a message. {@link AdmittedCall} joins the two.
 */
public final class Admission implements ServerInterceptor {
    /** Spread by each client; long enough for a call of the others' to end. */
    private static final Duration AGAIN = Duration.ofMillis(250);

    private static final Context.Key<AdmittedCall> CALL = Context.key("admitted-call");

    private final Map<CallKind, Tally> tallies = new EnumMap<>(CallKind.class);
    private final ByteBudget requests;
    private final ByteBudget agents;
    private final ByteBudget answers;
    private final AdmissionMetrics metrics;

    public Admission(AdmissionLimits limits, AdmissionMetrics metrics) {
        limits.calls().forEach((kind, limit) -> tallies.put(kind, new Tally(limit)));
        this.requests = new ByteBudget(limits.requestBytes());
        this.agents = new ByteBudget(limits.agentBytes());
        this.answers = new ByteBudget(limits.answerBytes());
        this.metrics = metrics;
    }

    /** Bytes received for calls that are under way. */
    public long requestBytes() {
        return requests.used() + agents.used();
    }

    /** Bytes of answers that clients have not taken yet. */
    public long answerBytes() {
        return answers.used();
    }

    /** Calls of a kind that are under way. */
    public int underWay(CallKind kind) {
        return tally(kind).underWay();
    }

    /** To be given to the same server as this interceptor. */
    ServerStreamTracer.Factory tracers() {
        return new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
                var method = MethodLimit.of(fullMethodName);
                CallDeadline.set(headers, method);
                return new Tracer(
                        new AdmittedCall(method, method.kind().ofAgents() ? agents : requests, answers, metrics),
                        metrics,
                        MethodLimit.counted(fullMethodName));
            }
        };
    }

    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
        var admitted = CALL.get();
        var kind = admitted.method().kind();
        var peer = Peer.of(call.getAttributes());
        String reached = tally(kind).tryTake(peer);
        if (reached != null) {
            metrics.refused(kind.label(), "calls");
            call.close(
                    Status.RESOURCE_EXHAUSTED.withDescription(call.getMethodDescriptor()
                                    .getFullMethodName() + ": there are as many such calls (" + kind.label()
                            + ") under way as are allowed, " + reached + ": end some, or try again later"),
                    RetryHint.after(AGAIN));
            return new ServerCall.Listener<>() {};
        }
        metrics.admitted(kind.label());
        var guarded = new GuardedCall<>(call, admitted);
        admitted.begin(peer, guarded, () -> {
            tally(kind).giveBack(peer);
            metrics.ended(kind.label());
        });
        return new Deliveries<>(
                next.startCall(guarded, headers),
                guarded,
                admitted,
                MessageElements.requests(call.getMethodDescriptor()));
    }

    private Tally tally(CallKind kind) {
        return Objects.requireNonNull(tallies.get(kind));
    }

    /** Tells a call what gRPC does with its stream. Called by the connection's thread. */
    private static final class Tracer extends ServerStreamTracer {
        private final AdmittedCall call;
        private final AdmissionMetrics metrics;
        private final String method;

        Tracer(AdmittedCall call, AdmissionMetrics metrics, String method) {
            this.call = call;
            this.metrics = metrics;
            this.method = method;
        }

        @Override
        public Context filterContext(Context context) {
            return context.withValue(CALL, call);
        }

        @Override
        public void inboundWireSize(long bytes) {
            call.arrived(bytes);
        }

        @Override
        public void inboundMessageRead(int number, long wireBytes, long bytes) {
            call.arrivedWhole(wireBytes);
        }

        @Override
        public void streamClosed(Status status) {
            call.ended();
            metrics.closed(method, status.getCode().name());
        }
    }

    /** What reaches the method: nothing of a call that was refused meanwhile, but that it is over. */
    private static final class Deliveries<Q> extends SimpleForwardingServerCallListener<Q> {
        private final GuardedCall<?, ?> call;
        private final AdmittedCall admitted;
        private final @Nullable Descriptor type;

        Deliveries(
                ServerCall.Listener<Q> method,
                GuardedCall<?, ?> call,
                AdmittedCall admitted,
                @Nullable Descriptor type) {
            super(method);
            this.call = call;
            this.admitted = admitted;
            this.type = type;
        }

        @Override
        public void onMessage(Q message) {
            if (type != null && message instanceof byte[] bytes) { // See SerializedRequests.
                admitted.becomes((long) MessageElements.count(bytes, type) * MessageElements.BYTES_EACH);
            }
            if (!call.refused()) {
                super.onMessage(message);
            }
            admitted.delivered();
        }

        @Override
        public void onHalfClose() {
            if (!call.refused()) {
                super.onHalfClose();
            }
        }

        @Override
        public void onReady() {
            if (!call.refused()) {
                super.onReady();
            }
        }

        @Override
        public void onComplete() {
            if (call.refused()) {
                super.onCancel();
            } else {
                super.onComplete();
            }
        }
    }
}
