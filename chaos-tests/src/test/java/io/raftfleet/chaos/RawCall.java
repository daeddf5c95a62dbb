package io.raftfleet.chaos;

import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.raftfleet.chaos.cluster.EngineNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Calls whose message is whatever bytes. */
final class RawCall {
    private RawCall() {}

    /** The status that the engine answers, null when it takes the bytes for a request and does it. */
    static @Nullable StatusRuntimeException send(EngineNode engine, MethodDescriptor<?, ?> method, byte[] message) {
        var raw = MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName(method.getFullMethodName())
                .build();
        try {
            var unused = ClientCalls.blockingUnaryCall(
                    engine.channel(), raw, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), message);
            return null;
        } catch (StatusRuntimeException e) {
            return e;
        }
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
