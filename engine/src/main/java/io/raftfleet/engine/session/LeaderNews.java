package io.raftfleet.engine.session;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.raftfleet.proto.agent.FindLeaderResponse;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Agents that want to hear when this engine comes to lead. One that does not read is passed over: it asks by itself when its
 * session has been silent for long.
 *
 * <p>The set is concurrent; the monitor of a listener guards what is sent to it.
 */
final class LeaderNews {
    private final Supplier<FindLeaderResponse> now;
    private final Set<ServerCallStreamObserver<FindLeaderResponse>> listeners = ConcurrentHashMap.newKeySet();

    /** @param now what is to be told */
    LeaderNews(Supplier<FindLeaderResponse> now) {
        this.now = now;
    }

    /** Tells it how things are, and from then on whenever {@link #announce} is called. */
    void add(ServerCallStreamObserver<FindLeaderResponse> listener) {
        listener.setOnCancelHandler(() -> listeners.remove(listener));
        listeners.add(listener);
        tell(listener);
        if (listener.isCancelled()) {
            listeners.remove(listener);
        }
    }

    /** Tells all. */
    void announce() {
        listeners.forEach(this::tell);
    }

    /** Ends what all listen to: the engine stops. */
    void end() {
        for (var listener : List.copyOf(listeners)) {
            synchronized (listener) {
                if (listeners.remove(listener)) {
                    listener.onError(Status.UNAVAILABLE
                            .withDescription("the engine is stopping")
                            .asRuntimeException());
                }
            }
        }
    }

    private void tell(ServerCallStreamObserver<FindLeaderResponse> listener) {
        synchronized (listener) {
            if (listeners.contains(listener) && listener.isReady()) {
                listener.onNext(now.get());
            }
        }
    }
}
