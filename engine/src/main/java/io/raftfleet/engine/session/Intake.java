package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.grpc.stub.ServerCallStreamObserver;

/**
 * Asks for an agent's next frame when the agent takes what it is sent, and not before: an agent that sends and does not read
 * would otherwise pile up answers here. Guarded by its monitor.
 */
final class Intake {
    private final ServerCallStreamObserver<?> stream;

    @GuardedBy("this")
    private int owed;

    Intake(ServerCallStreamObserver<?> stream) {
        this.stream = stream;
    }

    /** One more frame, now or as soon as the stream has room. */
    void ask() {
        synchronized (this) {
            owed++;
        }
        ready();
    }

    /** The stream may have room. */
    void ready() {
        int now;
        synchronized (this) {
            if (owed == 0 || !stream.isReady()) {
                return;
            }
            now = owed;
            owed = 0;
        }
        stream.request(now);
    }
}
