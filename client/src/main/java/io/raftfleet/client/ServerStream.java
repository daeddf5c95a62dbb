package io.raftfleet.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One server-streaming call, pulled by one thread. At most {@value #AHEAD} messages are asked for ahead, so a slow reader holds the
 * server back and memory stays bounded.
 */
final class ServerStream<Q, R> implements ClientResponseObserver<Q, R>, AutoCloseable {
    private static final int AHEAD = 4;

    /** Messages, and last an {@link End}: room for all that were asked for and for that. */
    private final BlockingQueue<Object> queue = new ArrayBlockingQueue<>(AHEAD + 1);

    private volatile @Nullable ClientCallStreamObserver<Q> call;
    private @Nullable End end;

    /** How a stream ended, and what was said with it. */
    record End(Status status, @Nullable Metadata trailers) {}

    private ServerStream() {}

    static <Q, R> ServerStream<Q, R> open(Channel channel, MethodDescriptor<Q, R> method, Q request) {
        return open(channel, method, CallOptions.DEFAULT, request);
    }

    /** One that can't be resumed elsewhere: it goes on until its connection breaks, which gRPC notices within twelve seconds. */
    static <Q, R> ServerStream<Q, R> openForGood(Channel channel, MethodDescriptor<Q, R> method, Q request) {
        return open(channel, method, CallOptions.DEFAULT.withOption(Pulse.UNWATCHED, true), request);
    }

    private static <Q, R> ServerStream<Q, R> open(
            Channel channel, MethodDescriptor<Q, R> method, CallOptions options, Q request) {
        var stream = new ServerStream<Q, R>();
        ClientCalls.asyncServerStreamingCall(channel.newCall(method, options), request, stream);
        return stream;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
        stream.disableAutoRequestWithInitial(AHEAD);
        call = stream;
    }

    @Override
    public void onNext(R value) {
        queue.add(value);
    }

    @Override
    public void onError(Throwable t) {
        queue.add(new End(Status.fromThrowable(t), Status.trailersFromThrowable(t)));
    }

    @Override
    public void onCompleted() {
        queue.add(new End(Status.OK, null));
    }

    /** The next message, or null when the time is over or the stream has ended: {@link #end} tells. */
    @Nullable
    R next(long nanos) throws InterruptedException {
        if (end != null) {
            return null;
        }
        Object item = queue.poll(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
        if (item == null) {
            return null;
        }
        if (item instanceof End last) {
            end = last;
            return null;
        }
        ClientCallStreamObserver<Q> running = call;
        if (running != null) {
            running.request(1);
        }
        @SuppressWarnings("unchecked") // onNext puts nothing else
        R value = (R) item;
        return value;
    }

    /** How the stream ended, after its last message was read; null before. */
    @Nullable
    Status end() {
        return end == null ? null : end.status();
    }

    /** What came with {@link #end}. */
    @Nullable
    Metadata trailers() {
        return end == null ? null : end.trailers();
    }

    @Override
    public void close() {
        ClientCallStreamObserver<Q> running = call;
        if (running != null) {
            running.cancel("no longer wanted", null);
        }
    }
}
