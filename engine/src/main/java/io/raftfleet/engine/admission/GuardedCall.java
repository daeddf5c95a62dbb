package io.raftfleet.engine.admission;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.MessageLite;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;

/**
 * A call that its admission may end at any time, from another thread than its method's. What the method says afterwards goes
 * nowhere. Guarded by its monitor.
 */
final class GuardedCall<Q, S> extends SimpleForwardingServerCall<Q, S> {
    private final AdmittedCall admitted;

    @GuardedBy("this")
    private boolean refused;

    @GuardedBy("this")
    private boolean closed;

    GuardedCall(ServerCall<Q, S> call, AdmittedCall admitted) {
        super(call);
        this.admitted = admitted;
    }

    synchronized boolean refused() {
        return refused;
    }

    /** Ends the call, unless it has ended. */
    synchronized boolean refuse(Status status, Metadata trailers) {
        if (closed) {
            return false;
        }
        refused = true;
        closed = true;
        super.close(status, trailers);
        return true;
    }

    @Override
    public synchronized void sendHeaders(Metadata headers) {
        if (!closed) {
            super.sendHeaders(headers);
        }
    }

    @Override
    public synchronized void sendMessage(S message) {
        if (!closed && admitted.answers(length(message))) {
            super.sendMessage(message);
        }
    }

    @Override
    public synchronized void close(Status status, Metadata trailers) {
        if (!closed) {
            closed = true;
            super.close(status, trailers);
        }
    }

    @Override
    public synchronized boolean isReady() {
        return !closed && super.isReady();
    }

    @Override
    public synchronized boolean isCancelled() {
        return refused || super.isCancelled();
    }

    /** Of a message on its way to the wire, in bytes; serialises nothing. */
    private static long length(Object message) {
        return message instanceof MessageLite answer ? answer.getSerializedSize() : 0;
    }
}
