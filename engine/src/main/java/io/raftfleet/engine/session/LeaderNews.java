package io.raftfleet.engine.session;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.proto.agent.FindLeaderResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Agents that want to hear when this engine comes to lead. One that does not read is passed over: it asks by itself when its
 * session has been silent for long.
 *
 * <p>The map is concurrent, in the order in which they came; the monitor of a listener guards what is sent to it.
 */
final class LeaderNews {
    private final Supplier<FindLeaderResponse> now;
    private final Map<Long, ServerCallStreamObserver<FindLeaderResponse>> listeners = new ConcurrentSkipListMap<>();
    private final AtomicLong numbers = new AtomicLong();

    /** @param now what is to be told */
    LeaderNews(Supplier<FindLeaderResponse> now) {
        this.now = now;
    }

    /** Tells it how things are, and from then on whenever {@link #announce} is called. */
    void add(ServerCallStreamObserver<FindLeaderResponse> listener) {
        long number = numbers.incrementAndGet();
        listener.setOnCancelHandler(() -> listeners.remove(number));
        listeners.put(number, listener);
        tell(number, listener);
        if (listener.isCancelled()) {
            listeners.remove(number);
        }
    }

    /** Tells all. */
    void announce() {
        listeners.forEach(this::tell);
    }

    /** Ends what all listen to: the engine stops. */
    void end() {
        listeners.forEach((number, listener) -> {
            synchronized (listener) {
                if (listeners.remove(number) != null) {
                    listener.onError(Status.UNAVAILABLE
                            .withDescription("the engine is stopping")
                            .asRuntimeException());
                }
            }
        });
    }

    private void tell(long number, ServerCallStreamObserver<FindLeaderResponse> listener) {
        synchronized (listener) {
            if (listeners.containsKey(number) && listener.isReady()) {
                listener.onNext(now.get());
            }
        }
    }
}
