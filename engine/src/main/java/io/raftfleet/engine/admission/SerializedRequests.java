package io.raftfleet.engine.admission;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Services whose requests come to a server's interceptors as the bytes that were sent, and are parsed behind them: {@link Admission} weighs
 * them before they become objects, and bytes that are no message of the called method are answered with {@code INVALID_ARGUMENT} and the
 * method's name. gRPC by itself answers {@code UNKNOWN} and logs a stack trace for each, which lets a hostile client fill the log.
 *
 * <p>Answers stay messages. ({@code ServerInterceptors.useInputStreamMessages} makes streams of them as well, each with a buffer of 8 KiB: an
 * engine with many agents spent two fifths of what it allocated on those.)
 */
public final class SerializedRequests {
    private static final Marshaller<byte[]> BYTES = new Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream instanceof KnownLength ? stream.readNBytes(stream.available()) : stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException("a message that has arrived", e);
            }
        }
    };

    private SerializedRequests() {}

    /** The same service, whose methods all take protobuf messages. */
    public static ServerServiceDefinition of(ServerServiceDefinition service) {
        List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
        service.getMethods().forEach(method -> methods.add(serialized(method)));
        var own = service.getServiceDescriptor();
        var descriptor = ServiceDescriptor.newBuilder(own.getName()).setSchemaDescriptor(own.getSchemaDescriptor());
        methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
        var serialized = ServerServiceDefinition.builder(descriptor.build());
        methods.forEach(serialized::addMethod);
        return serialized.build();
    }

    private static <Q, S> ServerMethodDefinition<byte[], S> serialized(ServerMethodDefinition<Q, S> method) {
        var own = method.getMethodDescriptor();
        var parser = parser(own);
        var handler = method.getServerCallHandler();
        return ServerMethodDefinition.create(
                own.toBuilder(BYTES, own.getResponseMarshaller()).build(),
                (call, headers) -> new Deliveries<>(call, parser, handler.startCall(new Call<>(call, own), headers)));
    }

    private interface Parser<Q> {
        Q parse(byte[] message) throws InvalidProtocolBufferException;
    }

    @SuppressWarnings("unchecked") // A message's parser makes messages of its class.
    private static <Q> Parser<Q> parser(MethodDescriptor<Q, ?> method) {
        if (method.getRequestMarshaller() instanceof PrototypeMarshaller<Q> marshaller
                && marshaller.getMessagePrototype() instanceof MessageLite prototype) {
            var parser = prototype.getParserForType();
            return message -> (Q) parser.parseFrom(message);
        }
        throw new IllegalArgumentException(method.getFullMethodName() + " takes no protobuf messages");
    }

    /** Parses what comes. A call's listener is called by one thread at a time. */
    private static final class Deliveries<Q> extends ServerCall.Listener<byte[]> {
        private final ServerCall<byte[], ?> call;
        private final Parser<Q> parser;
        private final ServerCall.Listener<Q> method;
        private boolean refused;

        Deliveries(ServerCall<byte[], ?> call, Parser<Q> parser, ServerCall.Listener<Q> method) {
            this.call = call;
            this.parser = parser;
            this.method = method;
        }

        @Override
        public void onMessage(byte[] message) {
            if (refused) {
                return;
            }
            Q parsed;
            try {
                parsed = parser.parse(message);
            } catch (InvalidProtocolBufferException e) {
                refused = true;
                call.close(
                        Status.INVALID_ARGUMENT
                                .withDescription("what was sent is not a request of "
                                        + call.getMethodDescriptor().getFullMethodName()
                                        + ": malformed protobuf; use the service's published contract")
                                .withCause(e),
                        new Metadata());
                return;
            }
            method.onMessage(parsed);
        }

        @Override
        public void onHalfClose() {
            if (!refused) {
                method.onHalfClose();
            }
        }

        @Override
        public void onCancel() {
            method.onCancel();
        }

        @Override
        public void onComplete() {
            method.onComplete();
        }

        @Override
        public void onReady() {
            method.onReady();
        }
    }

    /** The call as its method knows it. */
    private static final class Call<Q, S> extends SimpleForwardingServerCall<Q, S> {
        private final MethodDescriptor<Q, S> method;

        @SuppressWarnings(
                "unchecked") // A call knows the type of its requests by the descriptor alone, which this one has of its
        // own.
        Call(ServerCall<?, S> call, MethodDescriptor<Q, S> method) {
            super((ServerCall<Q, S>) call);
            this.method = method;
        }

        @Override
        public MethodDescriptor<Q, S> getMethodDescriptor() {
            return method;
        }
    }
}
