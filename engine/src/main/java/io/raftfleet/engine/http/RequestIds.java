package io.raftfleet.engine.http;

import com.google.protobuf.UnsafeByteOperations;
import io.raftfleet.proto.fleet.RequestId;
import java.time.InstantSource;
import java.util.random.RandomGenerator;

/** Makes the request ids of HTTP writes, whose callers send none. The generator is used by one thread at a time. */
final class RequestIds {
    private static final int BYTES = 16;

    private final RandomGenerator random;
    private final InstantSource clock;

    RequestIds(RandomGenerator random, InstantSource clock) {
        this.random = random;
        this.clock = clock;
    }

    RequestId next() {
        byte[] id = new byte[BYTES];
        synchronized (random) {
            random.nextBytes(id);
        }
        return RequestId.newBuilder()
                .setId(UnsafeByteOperations.unsafeWrap(id))
                .setIssuedAtMs(clock.millis())
                .build();
    }
}
