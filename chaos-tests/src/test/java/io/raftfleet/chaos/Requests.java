package io.raftfleet.chaos;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.RequestId;
import java.security.SecureRandom;
import java.time.Duration;

/** Request ids, for tests that make their own calls. */
final class Requests {
    private static final SecureRandom RANDOM = new SecureRandom();

    private Requests() {}

    static RequestId newId() {
        return idMadeBefore(Duration.ZERO);
    }

    static RequestId idMadeBefore(Duration age) {
        var id = new byte[16];
        RANDOM.nextBytes(id);
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(id))
                .setIssuedAtMs(System.currentTimeMillis() - age.toMillis())
                .build();
    }
}
