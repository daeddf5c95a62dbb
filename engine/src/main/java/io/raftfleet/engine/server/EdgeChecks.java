package io.raftfleet.engine.server;

import com.google.protobuf.Message;
import io.grpc.BindableService;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.raftfleet.engine.admission.SerializedRequests;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import io.raftfleet.unit.limits.MessageCheck;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first to see what clients, agents and operators send: a message with a field over its limit ends its call with
 * INVALID_ARGUMENT, the field and the reason, and nothing else looks at it. And the last to see why a call failed: that text
 * is cut, so that it always gets there, and has nothing in it that a terminal would act on.
 */
final class EdgeChecks implements ServerInterceptor {
    private static final Logger log = LoggerFactory.getLogger(EdgeChecks.class);
    /** A hostile peer can be refused as often as it likes, but not fill the log. */
    private static final long NANOS_BETWEEN_LINES = 1_000_000_000L;

    private final AtomicLong nextLine = new AtomicLong(System.nanoTime());

    /** A service that is asked for nothing malformed or over a limit: such a request ends its call and nothing else. */
    static ServerServiceDefinition of(BindableService service) {
        return SerializedRequests.of(ServerInterceptors.intercept(service, new EdgeChecks()));
    }

    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
        var checked = new CheckedCall<>(call);
        return new SimpleForwardingServerCallListener<>(next.startCall(checked, headers)) {
            @Override
            public void onMessage(Q message) {
                if (checked.refused) {
                    return;
                }
                var fault = message instanceof Message sent ? MessageCheck.fault(sent) : null;
                if (fault == null) {
                    super.onMessage(message);
                    return;
                }
                note(call, fault);
                checked.refuse(Status.INVALID_ARGUMENT.withDescription(fault));
                super.onCancel(); // whoever serves the call lets go of it
            }

            @Override
            public void onHalfClose() {
                if (!checked.refused) {
                    super.onHalfClose();
                }
            }

            @Override
            public void onCancel() {
                if (!checked.refused) {
                    super.onCancel();
                }
            }

            @Override
            public void onComplete() {
                if (!checked.refused) {
                    super.onComplete();
                }
            }

            @Override
            public void onReady() {
                if (!checked.refused) {
                    super.onReady();
                }
            }
        };
    }

    private void note(ServerCall<?, ?> call, String fault) {
        long now = System.nanoTime();
        long next = nextLine.get();
        if (now - next >= 0 && nextLine.compareAndSet(next, now + NANOS_BETWEEN_LINES)) {
            log.warn(
                    "refused a message of {} from {}: {}",
                    call.getMethodDescriptor().getFullMethodName(),
                    call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR),
                    fault);
        }
    }

    /** A call that takes no answers any more once it is refused, whoever may still have one. */
    private static final class CheckedCall<Q, S> extends SimpleForwardingServerCall<Q, S> {
        volatile boolean refused;

        CheckedCall(ServerCall<Q, S> call) {
            super(call);
        }

        synchronized void refuse(Status status) {
            refused = true;
            super.close(status, new Metadata());
        }

        @Override
        public synchronized void sendHeaders(Metadata headers) {
            if (!refused) {
                super.sendHeaders(headers);
            }
        }

        @Override
        public synchronized void sendMessage(S message) {
            if (!refused) {
                super.sendMessage(message);
            }
        }

        @Override
        public synchronized void close(Status status, Metadata trailers) {
            if (!refused) {
                super.close(harmless(status), trailers);
            }
        }
    }

    private static Status harmless(Status status) {
        var description = status.getDescription();
        return description == null
                ? status
                : status.withDescription(SafeText.cut(SafeText.escape(description), Limits.MESSAGE_BYTES));
    }
}
