package io.raftfleet.engine.server;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.BindableService;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * Answers bytes that are no message of the called method with {@code INVALID_ARGUMENT} and the method's name. gRPC by itself
 * answers {@code UNKNOWN} and logs a stack trace for each, which lets a hostile client fill the log.
 *
 * <p>Messages are parsed behind the interceptor for that, so it sees what parsing throws. A call's listener is called by one
 * thread at a time.
 */
final class MalformedMessages implements ServerInterceptor {
    private MalformedMessages() {}

    /** The same service; malformed requests, and those over their {@link EdgeChecks limits}, end their call and nothing else. */
    static ServerServiceDefinition refused(BindableService service) {
        return ServerInterceptors.intercept(
                ServerInterceptors.useInputStreamMessages(ServerInterceptors.intercept(service, new EdgeChecks())),
                new MalformedMessages());
    }

    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
        return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
            private boolean refused;

            @Override
            public void onMessage(Q message) {
                if (refused) {
                    return;
                }
                try {
                    super.onMessage(message);
                } catch (StatusRuntimeException e) {
                    if (!(e.getCause() instanceof InvalidProtocolBufferException)) {
                        throw e;
                    }
                    refused = true;
                    call.close(
                            Status.INVALID_ARGUMENT
                                    .withDescription("what was sent is not a request of "
                                            + call.getMethodDescriptor().getFullMethodName()
                                            + ": malformed protobuf; use the service's published contract")
                                    .withCause(e),
                            new Metadata());
                }
            }

            @Override
            public void onHalfClose() {
                if (!refused) {
                    super.onHalfClose();
                }
            }
        };
    }
}
