package io.raftfleet.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.VersionRequest;
import io.raftfleet.proto.fleet.VersionResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Notices within a second that the engine at the other end of a channel says nothing any more: its host is cut off, or it is paused,
 * which breaks no connection. While calls are under way and nothing comes, the engine is asked for its version; when it does not
 * answer that either, and not one byte comes, all of its calls end with UNAVAILABLE, and the next one connects anew. A call that only
 * takes long goes on, over however slow a link, as does one with {@link #UNWATCHED}. gRPC's own keepalive can't do this: grpc-java waits
 * for ten seconds at least before it pings.
 *
 * <p>What is asked is bounded: the first time after {@value #QUIET_MILLIS} ms, then after twice as long each time, up to
 * {@value #LONGEST_QUIET_MILLIS} ms, until another call begins. Used by any thread; the monitor guards what is under way.
 */
final class Pulse implements ClientInterceptor {
    /** Of calls that wait for their answer as long as their deadline says. */
    static final CallOptions.Key<Boolean> UNWATCHED = CallOptions.Key.createWithDefault("unwatched", false);

    static final long QUIET_MILLIS = 350;
    static final long LONGEST_QUIET_MILLIS = 5_000;
    /** How long the answer to the question may take. */
    static final long ANSWER_MILLIS = 600;

    static final Status SILENT = Status.UNAVAILABLE.withDescription(
            "it says nothing any more: it has not answered within " + ANSWER_MILLIS + " ms whether it is there");

    private final BiConsumer<Duration, Runnable> later;
    private volatile @Nullable ManagedChannel channel;
    private volatile long heardAt;

    @GuardedBy("this")
    private final Set<Watched<?, ?>> underWay = new HashSet<>();

    @GuardedBy("this")
    private long quietMillis = QUIET_MILLIS;

    /** Of the look that is planned: an earlier one does nothing. 0 while none is. */
    @GuardedBy("this")
    private long planned;

    @GuardedBy("this")
    private long plans;

    /** @param later runs a task after a while, on any thread */
    Pulse(BiConsumer<Duration, Runnable> later) {
        this.later = later;
    }

    /** A connection of that channel: whatever comes on it says that the other end is there. */
    <C extends io.netty.channel.Channel> C hearing(C connection) {
        connection.pipeline().addFirst(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object bytes) {
                heardAt = System.nanoTime();
                context.fireChannelRead(bytes);
            }
        });
        return connection;
    }

    /** The channel whose calls pass through this: to be told before the first one. */
    void of(ManagedChannel watched) {
        channel = watched;
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        return options.getOption(UNWATCHED)
                ? next.newCall(method, options)
                : new Watched<>(next.newCall(method, options));
    }

    private void begin(Watched<?, ?> call) {
        long plan;
        synchronized (this) {
            if (underWay.isEmpty()) {
                heardAt = System.nanoTime();
            }
            underWay.add(call);
            if (planned != 0 && quietMillis == QUIET_MILLIS) {
                return;
            }
            quietMillis = QUIET_MILLIS;
            plan = ++plans;
            planned = plan;
        }
        later.accept(Duration.ofMillis(QUIET_MILLIS), () -> look(plan));
    }

    private synchronized void end(Watched<?, ?> call) {
        underWay.remove(call);
    }

    private void look(long plan) {
        @Nullable ManagedChannel watched = channel;
        long quiet;
        synchronized (this) {
            if (plan != planned) {
                return;
            }
            if (underWay.isEmpty() || watched == null) {
                planned = 0;
                return;
            }
            quiet = quietMillis;
        }
        long left = quiet - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - heardAt);
        if (left > 0) {
            later.accept(Duration.ofMillis(left), () -> look(plan));
        } else if (watched.getState(false) == ConnectivityState.READY) {
            ask(watched, plan);
        } else {
            later.accept(Duration.ofMillis(quiet), () -> look(plan));
        }
    }

    private void ask(ManagedChannel watched, long plan) {
        long asked = System.nanoTime();
        var options =
                CallOptions.DEFAULT.withOption(UNWATCHED, true).withDeadlineAfter(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
        ClientCalls.asyncUnaryCall(
                watched.newCall(FleetGrpc.getVersionMethod(), options),
                VersionRequest.getDefaultInstance(),
                new StreamObserver<VersionResponse>() {
                    @Override
                    public void onNext(VersionResponse version) {
                        // The call ends next.
                    }

                    @Override
                    public void onError(Throwable t) {
                        // Any other answer is one; a connection that breaks ends its calls by itself.
                        if (Status.fromThrowable(t).getCode() == Status.Code.DEADLINE_EXCEEDED && heardAt - asked < 0) {
                            silent(watched);
                        } else {
                            answered(plan);
                        }
                    }

                    @Override
                    public void onCompleted() {
                        answered(plan);
                    }
                });
    }

    private void answered(long plan) {
        long quiet;
        synchronized (this) {
            if (plan != planned) {
                return;
            }
            quietMillis = Math.min(2 * quietMillis, LONGEST_QUIET_MILLIS);
            quiet = quietMillis;
        }
        later.accept(Duration.ofMillis(quiet), () -> look(plan));
    }

    private void silent(ManagedChannel watched) {
        List<Watched<?, ?>> lost;
        synchronized (this) {
            lost = List.copyOf(underWay);
            underWay.clear();
            planned = 0;
        }
        watched.enterIdle();
        lost.forEach(Watched::lose);
    }

    /** A call under way. */
    private final class Watched<Q, R> extends SimpleForwardingClientCall<Q, R> {
        private volatile boolean lost;

        Watched(ClientCall<Q, R> call) {
            super(call);
        }

        @Override
        public void start(Listener<R> listener, Metadata headers) {
            begin(this);
            super.start(
                    new SimpleForwardingClientCallListener<R>(listener) {
                        @Override
                        public void onClose(Status status, Metadata trailers) {
                            end(Watched.this);
                            super.onClose(lost && !status.isOk() ? SILENT : status, trailers);
                        }
                    },
                    headers);
        }

        void lose() {
            lost = true;
            cancel("the engine says nothing", null);
        }
    }
}
