package io.raftfleet.state.raft;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import org.apache.ratis.proto.grpc.RaftClientProtocolServiceGrpc;
import org.apache.ratis.thirdparty.io.grpc.Context;
import org.apache.ratis.thirdparty.io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import org.apache.ratis.thirdparty.io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import org.apache.ratis.thirdparty.io.grpc.Metadata;
import org.apache.ratis.thirdparty.io.grpc.ServerCall;
import org.apache.ratis.thirdparty.io.grpc.ServerCallHandler;
import org.apache.ratis.thirdparty.io.grpc.ServerInterceptor;
import org.apache.ratis.thirdparty.io.grpc.ServerStreamTracer;
import org.apache.ratis.thirdparty.io.grpc.Status;
import org.jspecify.annotations.Nullable;

/**
 * Bounds what the messages of strangers hold on the Raft port: a message of Raft's may have 8 MiB, and nobody can tell whose it is before it
 * is whole. Messages over {@value #SMALL} bytes that arrive on calls of which none has been taken yet hold at most {@value #MOST} bytes
 * together; over that, the call whose message has been arriving for longest is ended: an engine's takes milliseconds, and is sent again. A
 * call one of whose messages was taken is an engine's, and counts no more. Questions, which anybody may ask, are small.
 *
 * <p>To be the first interceptor of the same server that has its {@link #tracers}. Its own monitor guards all that changes; calls are ended
 * outside of it.
 */
final class Arrivals implements ServerInterceptor {
    static final int SMALL = 64 * 1024;
    static final long MOST = 32L << 20;

    private static final Context.Key<Arrival> ARRIVAL = Context.key("arrival");
    private static final String QUESTIONS =
            RaftClientProtocolServiceGrpc.getUnorderedMethod().getFullMethodName();

    private final Refusals refusals;
    /** Those that count, in the order in which their messages became large. */
    @GuardedBy("this")
    private final LinkedHashSet<Arrival> large = new LinkedHashSet<>();

    @GuardedBy("this")
    private long held;

    Arrivals(Refusals refusals) {
        this.refusals = refusals;
    }

    /** A call, and how much of a message has arrived on it. */
    private static final class Arrival {
        private final boolean question;
        private @Nullable OnceClosed<?, ?> call;
        private long bytes;
        private boolean uncounted;

        Arrival(String method) {
            question = method.equals(QUESTIONS);
        }
    }

    ServerStreamTracer.Factory tracers() {
        return new ServerStreamTracer.Factory() {
            @Override
            public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
                var arrival = new Arrival(fullMethodName);
                return new ServerStreamTracer() {
                    @Override
                    public Context filterContext(Context context) {
                        return context.withValue(ARRIVAL, arrival);
                    }

                    @Override
                    public void inboundWireSize(long bytes) {
                        arrived(arrival, bytes).forEach(Arrivals.this::end);
                    }

                    @Override
                    public void streamClosed(Status status) {
                        release(arrival, true);
                    }
                };
            }
        };
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        var arrival = ARRIVAL.get();
        var guarded = new OnceClosed<>(call);
        synchronized (this) {
            arrival.call = guarded;
        }
        return new SimpleForwardingServerCallListener<>(next.startCall(guarded, headers)) {
            @Override
            public void onMessage(Q message) {
                super.onMessage(message);
                release(arrival, !arrival.question && !guarded.closed());
            }
        };
    }

    /** Which calls have to be ended for it. */
    private synchronized List<Arrival> arrived(Arrival arrival, long bytes) {
        if (arrival.uncounted) {
            return List.of();
        }
        arrival.bytes += bytes;
        if (arrival.bytes <= SMALL) {
            return List.of();
        }
        held += large.add(arrival) ? arrival.bytes : bytes;
        List<Arrival> ended = new ArrayList<>();
        if (arrival.question) {
            ended.add(arrival);
            release(arrival, true);
        }
        while (held > MOST) {
            var oldest = large.getFirst();
            ended.add(oldest);
            release(oldest, true);
        }
        return ended;
    }

    /** Its message is not on its way any more; with {@code forGood}, no other will be looked at. */
    private synchronized void release(Arrival arrival, boolean forGood) {
        if (large.remove(arrival)) {
            held -= arrival.bytes;
        }
        arrival.bytes = 0;
        arrival.uncounted |= forGood;
    }

    private void end(Arrival arrival) {
        var call = arrival.call;
        if (call == null) {
            return;
        }
        String why = arrival.question
                ? "no question is as long as this message"
                : "messages of unknown senders hold as many bytes as they may; this one has been arriving for longest";
        refusals.refused(
                Refusals.sender(call.getAttributes()),
                call.getMethodDescriptor().getFullMethodName(),
                why);
        call.close(Status.RESOURCE_EXHAUSTED.withDescription(why), new Metadata());
    }

    /** A call that may be ended at any time, by any thread. Guarded by its monitor. */
    private static final class OnceClosed<Q, R> extends SimpleForwardingServerCall<Q, R> {
        private boolean closed;

        OnceClosed(ServerCall<Q, R> call) {
            super(call);
        }

        synchronized boolean closed() {
            return closed;
        }

        @Override
        public synchronized void sendHeaders(Metadata headers) {
            if (!closed) {
                super.sendHeaders(headers);
            }
        }

        @Override
        public synchronized void sendMessage(R message) {
            if (!closed) {
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
    }
}
