package io.raftfleet.client;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.RequestId;
import java.nio.ByteBuffer;

/** Makes the ids by which engines know a write that is sent again. Thread-safe if the options' sources are. */
final class RequestIds {
    private final ClientOptions options;

    RequestIds(ClientOptions options) {
        this.options = options;
    }

    RequestId next() {
        ByteBuffer bytes = ByteBuffer.allocate(16)
                .putLong(options.random().nextLong())
                .putLong(options.random().nextLong())
                .flip();
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(options.clock().millis())
                .build();
    }
}
